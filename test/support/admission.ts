import assert from 'node:assert/strict';
import { ADMISSION_ACTIVE, ADMISSION_LABEL, API_VERSION, PLURALS } from '../../src/api/group.ts';
import type { RecommendationStatus } from '../../src/api/recommendation.ts';
import { applyObject, applyStatus } from '../../src/kube/apply.ts';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { collectionPath } from '../../src/kube/paths.ts';
import { installKinds, kubectl, until } from './cluster.ts';

const POLICY = 'deploy/components/admission/policy.yaml';
const PODS = { apiVersion: 'v1', plural: 'pods' };
const IMAGE = { image: 'localhost/pause:1', imagePullPolicy: 'Never' };

/** By resource name, as quantities. */
type Amounts = Readonly<Record<string, string>>;
export interface Resources {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}
export type SizesByContainer = Readonly<Record<string, Resources>>;

export interface Target {
  readonly kind: string;
  readonly apiVersion?: string;
  readonly name: string;
}

/** Installs the kinds and the admission policy. There is no operator: nobody but the API server sizes pods. */
export async function installAdmission(): Promise<void> {
  await installKinds();
  await kubectl('apply', '--server-side', '-f', POLICY);
}

export async function uninstallAdmission(): Promise<void> {
  await kubectl('delete', '--ignore-not-found', '-f', POLICY);
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  CronJob: 'batch/v1',
  Job: 'batch/v1',
  Rollout: 'argoproj.io/v1alpha1',
};

function recommendationName({ kind, name }: Target): string {
  return `${kind.toLowerCase()}-${name}`;
}

/** Writes an active Recommendation, as the operator does. */
export async function recommendWith(
  connection: KubeConnection,
  namespace: string,
  target: Target,
  status: RecommendationStatus | undefined,
): Promise<void> {
  const name = recommendationName(target);
  const targetRef = { apiVersion: API_VERSIONS[target.kind] ?? 'apps/v1', ...target };
  const at = { apiVersion: API_VERSION, plural: PLURALS.Recommendation, namespace, name };
  const labels = { [ADMISSION_LABEL]: ADMISSION_ACTIVE };
  const object = { kind: 'Recommendation', metadata: { name, labels }, spec: { targetRef } };
  await applyObject(connection, at, object, { conflicts: 'Force' });
  if (status === undefined) return;
  const body = { kind: 'Recommendation', metadata: { name }, status };
  await applyStatus(connection, at, body, { conflicts: 'Force' });
}

/** The same with nothing but sizes; without them it has no status. */
export async function recommend(
  connection: KubeConnection,
  namespace: string,
  target: Target,
  sizes: SizesByContainer | undefined,
): Promise<void> {
  const admission = Object.entries(sizes ?? {}).map(([name, to]) => ({ name, ...to }));
  await recommendWith(connection, namespace, target, sizes && { admission });
}

/** Takes the label away, as the operator does when a policy goes, is suspended or changes its mode. */
export async function withdraw(namespace: string, target: Target): Promise<void> {
  const name = recommendationName(target);
  await kubectl('-n', namespace, 'label', 'rsrec', name, `${ADMISSION_LABEL}-`);
}

interface PodOwner {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
}

export interface PodSetup {
  readonly owner?: PodOwner;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers: SizesByContainer;
  /** Added to the spec. */
  readonly spec?: object;
}

/** A container per entry, with an image that every node of the test cluster has. */
export function containersOf(sizes: SizesByContainer): readonly object[] {
  return Object.entries(sizes).map(([name, resources]) => ({ name, ...IMAGE, resources }));
}

/** Pods with this are made, and never run. */
export const NOWHERE = { nodeSelector: { 'rightsize.dev/admission-test': 'nowhere' } };

/** A pod template that is labelled with its app. */
export function podTemplate(app: string, containers: SizesByContainer, spec: object): object {
  return { metadata: { labels: { app } }, spec: { containers: containersOf(containers), ...spec } };
}

/** A Deployment or StatefulSet, named as its app, whose pods never run. */
export function scalable(
  kind: string,
  { namespace, name, replicas }: { namespace: string; name: string; replicas: number },
  containers: SizesByContainer,
): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, containers, NOWHERE),
    },
  };
}

interface StoredPod {
  readonly spec: {
    readonly containers: readonly StoredContainer[];
    readonly initContainers?: readonly StoredContainer[];
  };
}
interface StoredContainer {
  readonly name: string;
  readonly resources: Resources;
}

function sizesOf({ spec }: StoredPod): SizesByContainer {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return Object.fromEntries(containers.map(({ name, resources }) => [name, resources]));
}

/** What the API server would make of the pod: the whole of admission and validation, but nothing is stored. */
export async function admitted(
  connection: KubeConnection,
  namespace: string,
  { owner, labels, containers, spec }: PodSetup,
): Promise<SizesByContainer> {
  const ownerReferences =
    owner === undefined ? [] : [{ ...owner, uid: 'of-nobody', controller: true }];
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'probe-', labels, ownerReferences },
    spec: { containers: containersOf(containers), ...spec },
  };
  const path = collectionPath(PODS, namespace);
  const query = { dryRun: 'All' };
  const pod = await connection.request({ method: 'POST', path, query, body });
  return sizesOf(pod as StoredPod);
}

/** Sizes of the pods of an app that are stored, by container; waits for the number of pods. */
export async function storedSizes(
  namespace: string,
  app: string,
  pods = 1,
): Promise<readonly SizesByContainer[]> {
  return until(30_000, async () => {
    const text = await kubectl('-n', namespace, 'get', 'pods', '-l', `app=${app}`, '-o', 'json');
    const { items } = JSON.parse(text) as { readonly items: readonly StoredPod[] };
    assert.equal(items.length, pods, `pods of ${app}`);
    return items.map(sizesOf);
  });
}

/**
 * Waits until the API server's admission has seen every Recommendation that was written before: it sees them in order,
 * so a last one that takes part proves the others. A kind that is new is known to admission within 30 seconds.
 */
export async function settled(connection: KubeConnection, namespace: string): Promise<void> {
  const name = `last-${performance.now().toFixed(0)}`;
  const requests = { cpu: '123m' };
  await recommend(connection, namespace, { kind: 'StatefulSet', name }, { main: { requests } });
  const owner = { kind: 'StatefulSet', apiVersion: 'apps/v1', name };
  await until(60_000, async () => {
    const { main } = await admitted(connection, namespace, { owner, containers: { main: {} } });
    assert.equal(main?.requests?.['cpu'], '123m');
  });
}
