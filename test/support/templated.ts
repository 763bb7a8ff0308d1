import assert from 'node:assert/strict';
import { GROUP } from '../../src/api/group.ts';
import type { Workload, WorkloadRef } from '../../src/controller/ports.ts';
import { asJson } from '../../src/kube/json.ts';
import { WORKLOAD_RESOURCES } from '../../src/kube/paths.ts';
import { projectWorkload } from '../../src/kube/workloads.ts';
import { containersOf, NOWHERE, type Resources, type SizesByContainer } from './admission.ts';
import { apply, kubectl } from './cluster.ts';

const ROLLOUTS = 'rollouts.argoproj.io';

/** A workload whose pods never run; `proxy` is its native sidecar. */
export async function aTemplated(ref: WorkloadRef, sizes: SizesByContainer): Promise<Workload> {
  const { proxy = {}, ...others } = sizes;
  const [sidecar] = containersOf({ proxy });
  const podSpec = {
    containers: containersOf(others),
    initContainers: [{ ...sidecar, restartPolicy: 'Always' }],
    ...NOWHERE,
  };
  const { namespace, kind, name } = ref;
  const { apiVersion } = WORKLOAD_RESOURCES[kind];
  await apply({ apiVersion, kind, metadata: { namespace, name }, spec: specOf(ref, podSpec) });
  return seenTemplated(ref);
}

/** The workload as the operator sees it now. */
export async function seenTemplated(ref: WorkloadRef): Promise<Workload> {
  const workload = projectWorkload(ref.kind, asJson(await stored(ref)));
  assert.ok(workload, 'is not being deleted');
  return workload;
}

/** A workload that is nowhere, as the operator would see it. */
export function workloadOf(ref: WorkloadRef): Workload {
  const { apiVersion } = WORKLOAD_RESOURCES[ref.kind];
  return {
    ref,
    apiVersion,
    uid: 'of-nobody',
    createdSeconds: 0,
    labels: {},
    annotations: {},
    replicas: 0,
    isRollingOut: false,
    isReady: true,
    hasPodResources: false,
    containers: [],
  };
}

function specOf({ kind, name }: WorkloadRef, podSpec: object): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: podSpec };
  const selected = { selector: { matchLabels: labels }, template };
  if (kind !== 'CronJob') return kind === 'DaemonSet' ? selected : { ...selected, replicas: 0 };
  const pod = { ...template, spec: { ...podSpec, restartPolicy: 'Never' } };
  const jobTemplate = { spec: { template: pod } };
  return { schedule: '0 0 1 1 *', suspend: true, jobTemplate };
}

interface Template {
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly containers: readonly NamedContainer[];
    readonly initContainers: readonly NamedContainer[];
  };
}
interface NamedContainer {
  readonly name: string;
  readonly resources?: Resources;
}
interface Stored {
  readonly metadata: {
    readonly uid: string;
    readonly generation: number;
    readonly managedFields: readonly { readonly manager: string }[];
  };
  readonly spec: {
    readonly template?: Template;
    readonly jobTemplate?: { readonly spec: { readonly template: Template } };
  };
}

async function stored({ namespace, kind, name }: WorkloadRef): Promise<Stored> {
  const { plural, apiVersion } = WORKLOAD_RESOURCES[kind];
  const [group = ''] = apiVersion.split('/');
  const get = ['get', `${plural}.${group}`, name, '-o', 'json', '--show-managed-fields'];
  return JSON.parse(await kubectl('-n', namespace, ...get)) as Stored;
}

/** What the API server has of the workload's pod template, and who manages anything of the workload. */
export async function storedTemplate({ ref }: Workload): Promise<{
  readonly podSpec: Template['spec'];
  readonly sizes: SizesByContainer;
  readonly generation: number;
  readonly managers: readonly string[];
}> {
  const { metadata, spec } = await stored(ref);
  const template = spec.template ?? spec.jobTemplate?.spec.template;
  assert.ok(template, 'has a pod template');
  const { containers, initContainers } = template.spec;
  const sizes = [...containers, ...initContainers].map(({ name, resources = {} }) => [
    name,
    resources,
  ]);
  return {
    podSpec: template.spec,
    sizes: Object.fromEntries(sizes) as SizesByContainer,
    generation: metadata.generation,
    managers: metadata.managedFields.map(({ manager }) => manager),
  };
}

/** Argo's kind as far as its pod template goes; releases differ in whether containers are told by name. */
export async function installRollouts(containers: 'ByName' | 'AsOneField'): Promise<void> {
  const anything = { 'x-kubernetes-preserve-unknown-fields': true };
  const open = { type: 'object', ...anything };
  const byName = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
  const resources = { type: 'object', properties: { limits: anything, requests: anything } };
  const list = {
    type: 'array',
    items: { ...open, required: ['name'], properties: { name: { type: 'string' }, resources } },
    ...(containers === 'ByName' && byName),
  };
  const within = (properties: object) => ({ ...open, properties });
  const podSpec = within({ containers: list, initContainers: list });
  const template = within({ spec: podSpec });
  const schema = { openAPIV3Schema: within({ spec: within({ template }) }) };
  await apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: ROLLOUTS, labels: { [`${GROUP}/test`]: 'templates' } },
    spec: {
      group: 'argoproj.io',
      scope: 'Namespaced',
      names: { kind: 'Rollout', plural: 'rollouts', singular: 'rollout', listKind: 'RolloutList' },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  });
  await kubectl('wait', '--for=condition=Established', `crd/${ROLLOUTS}`, '--timeout=20s');
}

export async function uninstallRollouts(): Promise<void> {
  await kubectl('delete', 'crd', ROLLOUTS, '--ignore-not-found');
}
