import { formatPercent } from '../api/percent.ts';
import { readableCpu, readableMemory } from '../api/quantity.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import {
  holds,
  type Confidence,
  type ContainerRecommendation,
  type ResourceRecommendation,
} from '../recommend/recommend.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';

type Summary = NonNullable<RecommendationStatus['summary']>;

export interface SummaryInput {
  readonly recommendations: readonly ContainerRecommendation[];
  readonly savings: Required<Amounts>;
  readonly policy: { readonly kind: string; readonly name: string } | undefined;
}

const CONFIDENCES: readonly Confidence[] = ['Low', 'Medium', 'High'];

/** The columns of `kubectl get recommendations`: sums over the pod's containers, and the worst of them where it matters. */
export function summaryOf({ recommendations, savings, policy }: SummaryInput): Summary {
  const days = recommendations.map(({ evidence }) => evidence.days);
  const confidences = recommendations.map(({ evidence }) =>
    CONFIDENCES.indexOf(evidence.confidence),
  );
  return {
    cpu: changeText('cpu', recommendations),
    memory: changeText('memory', recommendations),
    cpuRisk: riskText('cpu', recommendations),
    memoryRisk: riskText('memory', recommendations),
    saves: savesText(savings),
    status: stateOf(recommendations),
    policy: policy === undefined ? '' : `${policy.kind}/${policy.name}`,
    evidence: `${Math.min(...days, Infinity) === Infinity ? 0 : Math.min(...days)}d`,
    basis: basisOf(recommendations),
    confidence: CONFIDENCES[Math.min(...confidences)] ?? 'Low',
  };
}

/** That of the container that knows least of itself. */
function basisOf(recommendations: readonly ContainerRecommendation[]): string {
  const bases = recommendations.map(({ evidence }) => evidence.basis);
  return (['Prior', 'Fleet'] as const).find((basis) => bases.includes(basis)) ?? 'OwnHistory';
}

function sumOf(sizes: readonly (Sizes | undefined)[], resource: Resource): number | undefined {
  const amounts = sizes.flatMap((size) => size?.requests[resource] ?? []);
  return amounts.length === 0 ? undefined : amounts.reduce((sum, amount) => sum + amount, 0);
}

function changeText(
  resource: Resource,
  recommendations: readonly ContainerRecommendation[],
): string {
  const text = (amount: number | undefined) => {
    if (amount === undefined) return 'none';
    return resource === 'cpu' ? readableCpu(amount) : readableMemory(amount);
  };
  const from = sumOf(
    recommendations.map(({ current }) => current),
    resource,
  );
  const to = sumOf(
    recommendations.map(({ target }) => target),
    resource,
  );
  return to === undefined ? `${text(from)} → ?` : `${text(from)} → ${text(to)}`;
}

/** Realised of promised, of the container that has used up most of its promise; `-` where none can be judged. */
function riskText(resource: Resource, recommendations: readonly ContainerRecommendation[]): string {
  const judged = recommendations
    .map(({ resources }) => resources[resource])
    .flatMap(({ realised, promised }) => (realised ? [{ share: realised.share, promised }] : []))
    .sort((a, b) => b.share / b.promised - a.share / a.promised);
  const [worst] = judged;
  if (worst === undefined) return '-';
  const share = worst.share === 0 ? '0' : formatPercent(worst.share);
  return `${share} of ${formatPercent(worst.promised)}`;
}

function savesText({ cpu, memory }: Required<Amounts>): string {
  const parts = [
    ...(Math.abs(cpu) >= 0.0005 ? [`${readableCpu(cpu)} cpu`] : []),
    ...(Math.abs(memory) >= 2 ** 19 ? [readableMemory(memory)] : []),
  ];
  return parts.length === 0 ? '-' : parts.join(' ');
}

/** One word for the whole workload: Learning, Held with its reason, Fits, or Recommended. */
function stateOf(recommendations: readonly ContainerRecommendation[]): string {
  if (recommendations.length === 0) return 'Ignored';
  if (recommendations.some(isChange)) return 'Recommended';
  const reasons = recommendations.flatMap((each) => holds(each)).map(({ reason }) => reason);
  const [reason] = reasons;
  if (reason === undefined) return 'Fits';
  return isLearning(recommendations) ? 'Learning' : `Held:${reason}`;
}

/** Nothing can be said yet, for want of history. */
export function isLearning(recommendations: readonly ContainerRecommendation[]): boolean {
  const resources: readonly ResourceRecommendation[] = recommendations.flatMap((each) =>
    RESOURCES.map((resource) => each.resources[resource]),
  );
  return (
    resources.length > 0 &&
    resources.every(
      ({ decision }) => decision.hold === 'NoHistory' || decision.hold === 'HistoryTooShort',
    )
  );
}

function isChange({ current, target }: ContainerRecommendation): boolean {
  if (target === undefined) return false;
  return RESOURCES.some(
    (resource) =>
      target.requests[resource] !== current.requests[resource] ||
      target.limits[resource] !== current.limits[resource],
  );
}
