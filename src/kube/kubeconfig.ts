import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { KubeError, asError } from './errors.ts';
import { listAt, objectAt, textAt } from './json.ts';

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * The kubeconfig of `path`, else of the files in $KUBECONFIG, else ~/.kube/config, else the pod's ServiceAccount.
 * Throws a KubeError of kind CredentialsInvalid whose message is one line that says what to do.
 */
export function loadKubeConfig(path?: string): KubeConfig {
  const files = path === undefined ? defaultFiles() : [path];
  const config = files.length === 0 ? inCluster() : fromFiles(files);
  const cluster = config.getCurrentCluster();
  if (cluster === null || config.getCurrentUser() === null) {
    throw invalid(
      `kubeconfig ${files.join(', ')} has no usable current-context; set one with kubectl config use-context`,
    );
  }
  return config;
}

function defaultFiles(): readonly string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) {
    // As kubectl does: a file of the list that is missing is left out, unless all are.
    const present = named.filter((file) => existsSync(file));
    return present.length > 0 ? present : named;
  }
  const home = homeFolder();
  if (home === undefined) return [];
  const file = join(home, '.kube', 'config');
  return existsSync(file) ? [file] : [];
}

/** Undefined for a user without one, as in an image that sets a bare user id. */
function homeFolder(): string | undefined {
  try {
    return homedir();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function inCluster(): KubeConfig {
  if (!existsSync(SERVICE_ACCOUNT_TOKEN)) {
    throw invalid(
      'no kubeconfig: name one with --kubeconfig FILE or KUBECONFIG, or put it at ~/.kube/config (this is not a pod with a ServiceAccount either)',
    );
  }
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

function fromFiles(files: readonly string[]): KubeConfig {
  const merged = new KubeConfig();
  files.forEach((file, index) => {
    const config = fromFile(file);
    if (index === 0) merged.loadFromOptions(config);
    // As kubectl does: the first file that states a current-context decides it.
    else merged.mergeConfig(config, Boolean(merged.getCurrentContext()));
  });
  return merged;
}

function fromFile(file: string): KubeConfig {
  try {
    const config = new KubeConfig();
    config.loadFromFile(file);
    return withTokenFiles(config, file);
  } catch (thrown) {
    throw invalid(
      `cannot read kubeconfig ${file}: ${asError(thrown).message.split('\n', 1).join('')}`,
      thrown,
    );
  }
}

/**
 * client-node 2.0.1 looks for a field `token-file`, while kubectl writes `tokenFile`; such users are given the
 * authenticator that client-node uses in a pod. To be removed when client-node reads `tokenFile`.
 */
function withTokenFiles(config: KubeConfig, file: string): KubeConfig {
  const tokenFiles = new Map<string, string>();
  for (const entry of listAt(parse(readFileSync(file, 'utf8')), 'users')) {
    const tokenFile = textAt(objectAt(entry, 'user'), 'tokenFile');
    if (tokenFile !== undefined) {
      tokenFiles.set(textAt(entry, 'name') ?? '', resolve(dirname(file), tokenFile));
    }
  }
  config.users = config.users.map((user) => {
    const tokenFile = tokenFiles.get(user.name);
    if (tokenFile === undefined) return user;
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
  return config;
}

function invalid(message: string, cause?: unknown): KubeError {
  return new KubeError('CredentialsInvalid', message, { cause });
}
