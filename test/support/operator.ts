import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from './prometheus.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface OperatorSetup {
  readonly prometheusUrl: string;
  /** Instead of the administrator's: the operator then has the rights of its ServiceAccount only. */
  readonly token?: string;
  readonly leaseNamespace: string;
  readonly flags?: readonly string[];
}

export interface RunningOperator {
  /** Where /metrics, /healthz and /readyz are. */
  readonly url: string;
  readonly child: ChildProcess;
  /** All that it has logged so far. */
  log(): Promise<string>;
  /** Sends the signal, if it still runs, and resolves with the exit code or signal once it has ended. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Ends it in whatever way and removes its files. */
  remove(): Promise<void>;
}

/** Starts `rightsize operator` as a process against the cluster of KUBECONFIG. */
export async function startOperator(setup: OperatorSetup): Promise<RunningOperator> {
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-operator-'));
  const port = await freePort();
  const logFile = join(folder, 'operator.log');
  const flags = [
    'operator',
    `--kubeconfig=${await kubeconfigFor(folder, setup.token)}`,
    `--prometheus-url=${setup.prometheusUrl}`,
    `--metrics-address=127.0.0.1:${port}`,
    `--lease-namespace=${setup.leaseNamespace}`,
    ...(setup.flags ?? []),
  ];
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const killed = (): void => void child.kill('SIGKILL');
  process.once('exit', killed);
  child.once('exit', () => process.off('exit', killed));
  const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    child.kill(signal);
    const [code, by] = await ended;
    return code ?? by ?? 0;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    log: () => readFile(logFile, 'utf8'),
    end,
    remove: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface KubeConfigFile {
  readonly clusters: unknown;
  readonly contexts: readonly { readonly name: string; readonly context: object }[];
  readonly 'current-context': string;
}

/** Where the cluster is, and who asks: the bearer of the token, else the administrator. */
export async function kubeconfigFor(folder: string, token: string | undefined): Promise<string> {
  const own = process.env['KUBECONFIG'];
  if (own === undefined) throw new Error('KUBECONFIG is not set: run this by test/cluster/run.sh');
  if (token === undefined) return own;
  const config = parse(await readFile(own, 'utf8')) as KubeConfigFile;
  const users = [{ name: 'operator', user: { token } }];
  const contexts = config.contexts.map(({ name, context }) => ({
    name,
    context: { ...context, user: 'operator' },
  }));
  const file = join(folder, 'kubeconfig');
  await writeFile(file, stringify({ ...config, users, contexts }), { mode: 0o600 });
  return file;
}
