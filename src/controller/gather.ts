import type { Guardrails, Mode } from '../api/policy.ts';
import { parseCpu, parseMemory } from '../api/quantity.ts';
import { parseTime } from '../api/timestamp.ts';
import type { ContainerStatus, RecommendationStatus } from '../api/recommendation.ts';
import type { OomKill, PreviousRecommendation } from '../recommend/hold.ts';
import type { FleetView } from '../recommend/fleet.ts';
import type { LimitRangeItem } from '../recommend/draft.ts';
import { isOfNewPods, type ChangeRecord, type ContainerChange } from '../resize/changes.ts';
import type { Outside } from '../resize/ceiling.ts';
import { QOS_CLASSES, type QosClass } from '../recommend/qos.ts';
import type { ContainerInput, PodInput } from '../recommend/recommend.ts';
import type { ContainerSettings } from '../recommend/settings.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { recordsOfHistory } from './history.ts';
import { largestNode } from './nodesfor.ts';
import { matchesWorkload, reachesNamespace, winner } from './policy.ts';
import type { Policy } from './ports.ts';
import type { ClusterView, ContainerSpec, Namespace, Pod, Workload, WorkloadRef } from './ports.ts';
import { containerMode, containerSettings, effectiveMode } from './settings.ts';
import type { KnownUsage } from './usage.ts';

/** The policy of a workload and what it comes to within the guardrails. */
export interface Governance {
  readonly policy: Policy;
  readonly mode: Mode;
  /** The mode of each container, by name. */
  readonly modes: ReadonlyMap<string, Mode>;
  /** By container name; a container that the policy ignores is not in it. */
  readonly settings: ReadonlyMap<string, ContainerSettings>;
}

/** The policy that sizes the workload; undefined when none selects it. */
export function policyOf(view: ClusterView, workload: Workload): Policy | undefined {
  const namespace = namespaceOf(view, workload.ref.namespace);
  const policies = [...view.policies.values()];
  return winner(policies.filter((policy) => matchesWorkload(policy, workload, namespace)));
}

/** Undefined when no policy selects the workload. */
export function governanceOf(view: ClusterView, workload: Workload): Governance | undefined {
  const policy = policyOf(view, workload);
  if (policy === undefined) return undefined;
  const namespace = namespaceOf(view, workload.ref.namespace);
  const guardrails = guardrailsOf([...view.policies.values()], namespace);
  const settings = new Map<string, ContainerSettings>();
  for (const { name, restartsOn } of workload.containers) {
    const own = containerSettings(policy, name, guardrails);
    if (own === undefined) continue;
    // A container that restarts for it is not resized many times a day.
    settings.set(name, restartsOn.includes('cpu') ? { ...own, cadence: 'Steady' } : own);
  }
  const modes = new Map(
    workload.containers.map(({ name }) => [name, containerMode(policy, name, guardrails)]),
  );
  return { policy, mode: effectiveMode(policy, guardrails), modes, settings };
}

/** Where namespaces may not be read, their labels are not known: only policies that ask for none reach them. */
export function namespaceOf(view: ClusterView, name: string): Namespace {
  return view.namespace(name) ?? { name, labels: {}, annotations: {} };
}

function guardrailsOf(policies: readonly Policy[], namespace: Namespace): readonly Guardrails[] {
  return policies
    .filter((policy) => reachesNamespace(policy, namespace))
    .flatMap(({ spec }) => spec.guardrails ?? []);
}

/** All that the recommender needs to know of a workload, from the cluster and its usage. */
export function gather(
  view: ClusterView,
  workload: Workload,
  context: {
    readonly governance: Governance;
    readonly usage: Pick<KnownUsage, 'containers' | 'walks'>;
    readonly stored: RecommendationStatus | undefined;
    readonly fleet: FleetView;
    readonly nowSeconds: number;
  },
): PodInput {
  const { governance, usage, stored, fleet, nowSeconds } = context;
  const { namespace } = workload.ref;
  const pods = view.pods(workload.ref);
  const outside = outsideOf(view, workload.ref);
  const { limitRanges } = outside;
  return {
    containers: workload.containers.map((container) =>
      containerInput(container, limitRanges, {
        ...settingsAndWalk(container.name, governance, usage),
        history: usage.containers.get(container.name),
        oomKill: lastOomKill(pods, container.name, recordsOfHistory(stored?.history)),
        runsToCompletion: workload.ref.kind === 'CronJob' || workload.ref.kind === 'Job',
        previous: previousOf(stored, container.name, governance.policy),
      }),
    ),
    autoscaled: autoscaledResources(view, workload),
    ...fleet,
    ...outside,
    limited: limitedResources(view, namespace),
    qosClass: qosClassOf(pods),
    nowSeconds,
  };
}

/** A walk is only ever gone on from at the cadence Steady. */
function settingsAndWalk(
  name: string,
  governance: Governance,
  { walks }: Pick<KnownUsage, 'walks'>,
): Pick<ContainerInput, 'settings' | 'walked'> {
  const settings = governance.settings.get(name);
  return { settings, walked: settings?.cadence === 'Steady' ? walks?.walkOf(name) : undefined };
}

/** The class that the kubelet gave to the youngest pod: those of an older template may be of another. */
function qosClassOf(pods: readonly Pod[]): QosClass | undefined {
  const [youngest] = pods.toSorted((a, b) => b.createdSeconds - a.createdSeconds);
  return QOS_CLASSES.find((each) => each === youngest?.qosClass);
}

function containerInput(
  container: ContainerSpec,
  limitRanges: readonly LimitRangeItem[],
  known: Omit<ContainerInput, 'name' | 'current'>,
): ContainerInput {
  return { name: container.name, current: withDefaults(container, limitRanges), ...known };
}

/**
 * What the API server makes of sizes that are left out: a request is the limit where there is one, then what a
 * LimitRange says.
 */
export function withDefaults(
  { requests, limits }: Sizes,
  limitRanges: readonly LimitRangeItem[],
): Sizes {
  const items = limitRanges.filter(({ type }) => type === 'Container').toReversed();
  const defaults = Object.assign({}, ...items.map((item) => item.default)) as Amounts;
  const asked = Object.assign({}, ...items.map((item) => item.defaultRequest)) as Amounts;
  return {
    requests: { ...asked, ...limits, ...requests },
    limits: { ...defaults, ...limits },
  };
}

/** Of the pods that tell of one, at the limit that the pod had then. */
function lastOomKill(
  pods: readonly Pod[],
  container: string,
  records: readonly ChangeRecord[],
): OomKill | undefined {
  return pods
    .flatMap(({ containers }) => containers)
    .filter(({ name }) => name === container)
    .flatMap(({ oomKilledSeconds: seconds, limits }) => {
      if (seconds === undefined) return [];
      const before = changedSince(records, container, seconds)?.from ?? { limits };
      return [{ seconds, limitBytes: before.limits.memory }];
    })
    .toSorted((a, b) => b.seconds - a.seconds)[0];
}

/** The kubelet takes a moment to carry a change out: a kill in that time happened at the size before. */
const CARRIED_OUT_SECONDS = 10;

/** The first change of the container's memory limit that a kill was not yet under. */
function changedSince(
  records: readonly ChangeRecord[],
  container: string,
  seconds: number,
): ContainerChange | undefined {
  return records
    .filter((record) => !isOfNewPods(record))
    .filter(({ atSeconds }) => atSeconds >= seconds - CARRIED_OUT_SECONDS)
    .toSorted((a, b) => a.atSeconds - b.atSeconds)
    .flatMap(({ containers }) => containers)
    .find(({ name, from, to }) => name === container && from.limits.memory !== to.limits.memory);
}

function limitedResources(view: ClusterView, namespace: string): readonly Resource[] {
  const limited = view.resourceQuotas(namespace).flatMap((quota) => quota.limited);
  return RESOURCES.filter((resource) => limited.includes(resource));
}

/** Resources of the workload that an autoscaler scales on. */
export function autoscaledResources(view: ClusterView, { ref }: Workload): readonly Resource[] {
  const owned = view
    .autoscalers(ref.namespace)
    .filter(({ target }) => target.kind === ref.kind && target.name === ref.name)
    .flatMap(({ resources }) => resources);
  return RESOURCES.filter((resource) => owned.includes(resource));
}

/** What bounds pods of a namespace from outside of their policy, apart from quotas. */
export function outsideOf(view: ClusterView, ref: WorkloadRef): Outside {
  const limitRanges = view.limitRanges(ref.namespace).flatMap(({ items }) => items);
  return { limitRanges, largestNode: largestNode(view, ref) };
}

function previousOf(
  stored: RecommendationStatus | undefined,
  name: string,
  policy: Policy,
): Partial<Record<Resource, PreviousRecommendation>> {
  const container = stored?.containers?.find((each) => each.name === name);
  if (stored === undefined || container === undefined) return {};
  const isSamePolicy = isSame(stored.policy, policy);
  const of = (resource: Resource) => previousAmount(container, resource, isSamePolicy);
  const cpu = of('cpu');
  const memory = of('memory');
  return { ...(cpu && { cpu }), ...(memory && { memory }) };
}

/** Another policy of the same name, and another spec of the same policy, are not the same. */
function isSame(stored: RecommendationStatus['policy'], { uid, generation }: Policy): boolean {
  return stored?.uid === uid && stored.generation === generation;
}

function previousAmount(
  container: ContainerStatus,
  resource: Resource,
  isSamePolicy: boolean,
): PreviousRecommendation | undefined {
  const text = container.target?.requests?.[resource];
  const evidence = container[resource];
  if (text === undefined || evidence === undefined) return undefined;
  const request = resource === 'cpu' ? parseCpu(text) : parseMemory(text);
  const to = Date.parse(container.evidence?.to ?? '') / 1000;
  return {
    request,
    coveredDays: evidence.observedDays,
    lastSampleSeconds: Number.isNaN(to) ? undefined : to,
    oomKill: resource === 'memory' ? knownOomKill(container.memory) : undefined,
    isSamePolicy,
  };
}

function knownOomKill(memory: ContainerStatus['memory']): OomKill | undefined {
  const { time, limit } = memory?.oomKill ?? {};
  const seconds = time === undefined ? undefined : parseTime(time);
  if (seconds === undefined) return undefined;
  return { seconds, limitBytes: limit === undefined ? undefined : parseMemory(limit) };
}
