import type { RecommendationStatus } from '../api/recommendation.ts';
import { equivalentTarget, type AutoscaledContainer } from '../recommend/autoscale.ts';
import type { ContainerRecommendation } from '../recommend/recommend.ts';
import { roundReadable } from '../recommend/rounding.ts';
import type { ContainerSettings } from '../recommend/settings.ts';
import { DAY_SECONDS, type Resource } from '../recommend/usage.ts';
import { rangeOf } from './actingrules.ts';
import type { AutoscalerMetric, ClusterView, Workload } from './ports.ts';
import { quantities } from './status.ts';

type AutoscalerStatus = NonNullable<RecommendationStatus['autoscalers']>[number];

export interface AutoscaledInput {
  readonly view: ClusterView;
  readonly settings: ReadonlyMap<string, ContainerSettings>;
  readonly recommendations: readonly ContainerRecommendation[];
  readonly stored: RecommendationStatus | undefined;
}

/** What the API takes; the schema says the same. */
const MOST = 16;
/** Less is noise of the estimate, and not worth a write: in percentage points, and as a share. */
const NEGLIGIBLE = { points: 1, share: 0.05 };

/**
 * Of each target of an autoscaler of the workload that is a share of requests, the one that goes with the recommended
 * requests. None where a request is not stated, or not known by as much history as the policy asks for.
 */
export function autoscalerTargets(
  { ref }: Workload,
  { view, settings, recommendations, stored }: AutoscaledInput,
): readonly AutoscalerStatus[] {
  return view
    .autoscalers(ref.namespace)
    .filter(({ target }) => target.kind === ref.kind && target.name === ref.name)
    .flatMap(({ name, metrics }) =>
      metrics.flatMap((metric) => targetOf(name, metric, { settings, recommendations })),
    )
    .map((target) => stored?.autoscalers?.find((before) => isNear(before, target)) ?? target)
    .slice(0, MOST);
}

function targetOf(
  name: string,
  { resource, container, utilization }: AutoscalerMetric,
  { settings, recommendations }: Pick<AutoscaledInput, 'settings' | 'recommendations'>,
): readonly AutoscalerStatus[] {
  if (utilization === undefined) return [];
  const containers = recommendations.map((each): AutoscaledContainer => ({
    name: each.name,
    current: each.current.requests[resource],
    recommended: unfrozen(each, resource, settings.get(each.name)),
  }));
  const equivalent = equivalentTarget({ resource, container, utilization }, containers);
  if (equivalent === undefined) return [];
  return [
    {
      name,
      resource,
      ...(container !== undefined && { container }),
      utilization: wholePercent(utilization),
      equivalentUtilization: wholePercent(equivalent.utilization),
      averageValue: quantities({ [resource]: equivalent.averageValue })[resource] ?? '',
    },
  ];
}

/** The request as it would be recommended if no autoscaler owned it; a container that is not sized keeps what it has. */
function unfrozen(
  { current, target, resources, evidence }: ContainerRecommendation,
  resource: Resource,
  own: ContainerSettings | undefined,
): number | undefined {
  if (own === undefined) return current.requests[resource];
  const { decision, restsOnDays } = resources[resource];
  const isShort = restsOnDays * DAY_SECONDS < own.minimumSeconds;
  const isFrozen = decision.hold === 'HPAOwnsCPU' || decision.hold === 'HPAOwnsMemory';
  if (!isFrozen) return target?.requests[resource] ?? current.requests[resource];
  // Of a history that is gone in part nothing is said.
  if (isShort || evidence.days + 1 < Math.floor(restsOnDays)) return undefined;
  return decision.estimate && bounded(resource, decision.estimate.amount, own);
}

function bounded(resource: Resource, amount: number, own: ContainerSettings): number {
  const { min = 0, max = Infinity } = rangeOf(own, resource);
  return Math.min(Math.max(roundReadable(resource, amount), min), max);
}

/** As an autoscaler takes it, which knows no parts of a percent. */
function wholePercent(share: number): string {
  return `${Math.max(1, Math.round(share * 100))}%`;
}

function isNear(before: AutoscalerStatus, target: AutoscalerStatus): boolean {
  const points = ({ equivalentUtilization }: AutoscalerStatus) =>
    Number.parseInt(equivalentUtilization);
  return (
    before.name === target.name &&
    before.resource === target.resource &&
    before.container === target.container &&
    before.utilization === target.utilization &&
    before.averageValue === target.averageValue &&
    Math.abs(points(before) - points(target)) <=
      Math.max(NEGLIGIBLE.points, NEGLIGIBLE.share * points(before))
  );
}
