import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { API_VERSION } from '../../src/api/group.ts';
import { apply, kubectl, until } from './cluster.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Installation {
  readonly overlay: 'cluster' | 'namespace' | 'shards';
  /** The operator's own namespace, instead of rightsize-system; also the beginning of cluster-wide names. */
  readonly namespace: string;
  /** Which namespace the overlay `namespace` watches, instead of shop. */
  readonly watched?: string;
  /** `admission` brings the one MutatingAdmissionPolicy of the cluster, which `uninstall` leaves. */
  readonly components?: readonly (
    `${'cluster' | 'namespace'}-${'resize' | 'workloads'}` | 'admission'
  )[];
}

/**
 * What `kubectl apply -k deploy/overlays/…` would apply, under other names, so that a test never touches an
 * installation that is there already.
 */
export async function manifests({
  overlay,
  namespace,
  watched = 'shop',
  components = [],
}: Installation): Promise<readonly Manifest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'overlay-'));
  try {
    const within = (path: string) => relative(folder, join('deploy', path));
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [within(`overlays/${overlay}`)],
      components: components.map((name) => within(`components/${name}`)),
    };
    await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
    const built = await kubectl('kustomize', folder);
    const renamed = built
      .replaceAll('rightsize-system', namespace)
      .replaceAll(/\bshop\b/g, watched)
      .replaceAll(/\brightsize-(read|resize|workloads)/g, `${namespace}-$1`);
    return parseAllDocuments(renamed).map((document) => document.toJS() as Manifest);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const RUNNING_KINDS: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'PodDisruptionBudget',
]);

/**
 * Applies an installation without what runs in pods, as the operator's image cannot be pulled: the operator runs as a
 * process beside the cluster, with the rights of its ServiceAccount.
 */
export async function install(installation: Installation): Promise<void> {
  const all = await manifests(installation);
  const wanted = all.filter(({ kind }) => !RUNNING_KINDS.has(kind));
  const definitions = wanted.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const names = definitions.map(({ metadata }) => metadata.name);
  const before = await kubectl('get', 'crd', ...names, '--ignore-not-found', '-o', 'name');
  await apply(...wanted);
  const waited = names.map((name) => `crd/${name}`);
  await kubectl('wait', '--for=condition=Established', ...waited, '--timeout=30s');
  if (names.every((name) => before.includes(`/${name}`))) return;
  await until(30_000, () => Promise.all(names.map((name) => watchBriefly(name))));
}

/** Rejects where a kind that is served for the first time cannot be watched yet: the operator says so in its log. */
async function watchBriefly(definition: string): Promise<void> {
  const [plural] = definition.split('.');
  const of = `/apis/${API_VERSION}/${plural}?watch=1&timeoutSeconds=1`;
  await kubectl('get', '--raw', of);
}

/** Takes an installation away again, but for the definitions of the kinds, which others may use. */
export async function uninstall(namespace: string): Promise<void> {
  await kubectl('delete', 'namespace', namespace, '--wait=false', '--ignore-not-found');
  const roles = await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name');
  const ours = roles.split('\n').filter((role) => role.includes(`/${namespace}-`));
  if (ours.length > 0) await kubectl('delete', ...ours, '--wait=false');
}

/** A token of the operator's ServiceAccount that holds for an hour. */
export function operatorToken(namespace: string): Promise<string> {
  return kubectl('-n', namespace, 'create', 'token', 'rightsize', '--duration=1h');
}
