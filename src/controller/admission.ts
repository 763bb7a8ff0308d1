import type { Mode } from '../api/policy.ts';
import { parseCpu, parseMemory } from '../api/quantity.ts';
import type { AdmittedContainer, ContainerStatus } from '../api/recommendation.ts';
import type { HoldReason } from '../recommend/hold.ts';
import type { ContainerSettings } from '../recommend/settings.ts';
import { DAY_SECONDS, RESOURCES, type Resource } from '../recommend/usage.ts';
import { rangeOf } from './actingrules.ts';
import type { Governance } from './gather.ts';
import { sizesOfText } from './history.ts';
import { raisedTo, type Floor } from './newpodfloors.ts';
import type { ClusterView, Pod, PodContainer, Workload, WorkloadRef } from './ports.ts';
import { quantities } from './status.ts';
import { suspensionOf } from './suspension.ts';

export const GATE_REASONS = [
  'Suspended',
  'NameAmbiguous',
  'PodLevelResources',
  'AdmissionUnavailable',
  'QuotaExceeded',
] as const;

/** Why new pods of a workload are not sized though its policy asks for it. */
export interface Gate {
  readonly reason: (typeof GATE_REASONS)[number];
  readonly message: string;
  /** When it may open by itself, in unix seconds; undefined where something must change for it. */
  readonly untilSeconds: number | undefined;
}

export interface GateInput {
  readonly view: ClusterView;
  readonly governance: Governance;
  readonly nowSeconds: number;
}

/** Whether the policy asks to size new pods of the workload, in one container at least. */
export function sizesNewPods({ modes }: Governance): boolean {
  return [...modes.values()].some(isSizedByMode);
}

/** By mode Rollout new pods are as the template says, which is what is changed and watched. */
function isSizedByMode(mode: Mode): boolean {
  return mode !== 'Recommend' && mode !== 'Rollout';
}

/** The first thing that stands against sizing new pods; undefined where nothing does, or nobody asks for it. */
export function admissionGate(
  workload: Workload,
  { view, governance, nowSeconds }: GateInput,
): Gate | undefined {
  if (!sizesNewPods(governance)) return undefined;
  const suspension = suspensionOf(view, workload, governance.policy, nowSeconds);
  if (suspension !== undefined) {
    const { by, untilSeconds } = suspension;
    return { reason: 'Suspended', message: `Suspended by ${by}.`, untilSeconds };
  }
  if (isNamedLikeRun(workload.ref)) return NAMED_LIKE_RUN;
  if (workload.hasPodResources) return SIZED_AS_A_WHOLE;
  if (view.admission.kind !== 'Unavailable') return undefined;
  const { message } = view.admission;
  return { reason: 'AdmissionUnavailable', message, untilSeconds: undefined };
}

const NAMED_LIKE_RUN: Gate = {
  reason: 'NameAmbiguous',
  message: 'New pods are not sized: by its name this Job may be a run of a CronJob.',
  untilSeconds: undefined,
};

const SIZED_AS_A_WHOLE: Gate = {
  reason: 'PodLevelResources',
  message: 'New pods are not sized: their template states resources of the pod as a whole.',
  untilSeconds: undefined,
};

/** As the admission policy tells the runs of a CronJob: by the scheduled time in minutes, from 2021 on. */
function isNamedLikeRun({ kind, name }: WorkloadRef): boolean {
  return kind === 'Job' && /.-(2[7-9]|[3-9]\d)\d{6}$/.test(name);
}

export interface AdmittedBefore {
  readonly given: readonly AdmittedContainer[];
  /** By container: what changes of pods that run say of new ones. */
  readonly floors: ReadonlyMap<string, Floor>;
}

/**
 * What new pods get: the targets of the containers whose mode asks for it, as far as they rest on evidence, and no less
 * than what has just been needed.
 */
export function admittedContainers(
  containers: readonly ContainerStatus[],
  { modes, settings }: Pick<Governance, 'modes' | 'settings'>,
  { given, floors }: AdmittedBefore,
): readonly AdmittedContainer[] {
  return containers.flatMap((container) => {
    const { name } = container;
    const own = settings.get(name);
    if (container.target === undefined || own === undefined) return [];
    if (!isSizedByMode(modes.get(name) ?? 'Recommend')) return [];
    const target = withFloor(container.target, floors.get(name), own);
    const before = given.find((each) => each.name === name);
    const sized = RESOURCES.filter((resource) => {
      const wasSized = (before?.requests?.[resource] ?? before?.limits?.[resource]) !== undefined;
      return isSized(container[resource], { minimumSeconds: own.minimumSeconds, wasSized });
    });
    const requests = picked(target.requests, sized);
    const limits = picked(target.limits, sized);
    if (requests === undefined && limits === undefined) return [];
    return [{ name, ...(requests && { requests }), ...(limits && { limits }) }];
  });
}

type Target = NonNullable<ContainerStatus['target']>;

function withFloor(target: Target, floor: Floor | undefined, own: ContainerSettings): Target {
  if (floor === undefined) return target;
  const max = Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amount = rangeOf(own, resource).max;
      return amount === undefined ? [] : [[resource, amount]];
    }),
  );
  const { requests, limits } = raisedTo(sizesOfText(target), floor, max);
  return { requests: quantities(requests), limits: quantities(limits) };
}

/** The recommended request is the present one, whatever the evidence. */
const FROZEN: ReadonlySet<string> = new Set<HoldReason>([
  'HPAOwnsCPU',
  'HPAOwnsMemory',
  'IncreaseNotAllowed',
  'DecreaseNotAllowed',
]);

type Quantities = NonNullable<AdmittedContainer['requests']>;

function picked(
  amounts: Quantities | undefined,
  resources: readonly Resource[],
): Quantities | undefined {
  const entries = resources.flatMap((resource) => {
    const amount = amounts?.[resource];
    return amount === undefined ? [] : [[resource, amount] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/**
 * A resource that is frozen keeps what the template says. Missing evidence does not take away what was sized: less
 * data never lowers. But under `history.minimum` there is no first size, not even a higher one, whose limit may be lower.
 */
function isSized(
  evidence: ContainerStatus['cpu'] | ContainerStatus['memory'],
  { minimumSeconds, wasSized }: { readonly minimumSeconds: number; readonly wasSized: boolean },
): boolean {
  if (evidence === undefined || FROZEN.has(evidence.reason ?? '')) return false;
  return wasSized || evidence.observedDays * DAY_SECONDS >= minimumSeconds;
}

/** Whether there are running pods and all of them have what new ones get. */
export function haveAdmitted(
  pods: readonly Pod[],
  admitted: readonly AdmittedContainer[],
): boolean {
  const running = pods.filter((pod) => pod.running);
  return (
    running.length > 0 &&
    running.every(({ containers }) =>
      admitted.every((each) => {
        const container = containers.find(({ name }) => name === each.name);
        return container === undefined || RESOURCES.every((of) => hasAmount(container, each, of));
      }),
    )
  );
}

function hasAmount(
  container: PodContainer,
  { requests, limits }: AdmittedContainer,
  resource: Resource,
): boolean {
  const request = amountOf(resource, requests?.[resource]);
  const limit = amountOf(resource, limits?.[resource]);
  if (request === undefined && limit === undefined) return true;
  const isRequest = request === undefined || container.requests[resource] === request;
  return isRequest && container.limits[resource] === limit;
}

function amountOf(resource: Resource, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return resource === 'cpu' ? parseCpu(text) : parseMemory(text);
}
