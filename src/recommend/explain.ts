import type { Clamp } from './draft.ts';
import type { Decision } from './decide.ts';
import type { Estimate } from './estimate.ts';
import type { HoldReason } from './hold.ts';
import type { ContainerRecommendation, ResourceRecommendation } from './recommend.ts';
import type { ContainerSettings } from './settings.ts';
import { DAY_SECONDS, RESOURCES, type Resource } from './usage.ts';

/** How amounts and shares are written for people; given from outside, since quantities belong to the API. */
export interface Wording {
  amount(resource: Resource, amount: number): string;
  share(share: number): string;
}

const HOLD_SENTENCES: Readonly<Record<HoldReason, string>> = {
  NoHistory: 'no usage was found in the window, so nothing is known and nothing is changed',
  HistoryTooShort: 'history is still shorter than history.minimum, so it is not lowered',
  HistoryStale: 'the last sample is more than two hours old, so it is not lowered',
  HistoryShrank:
    'less history was found than the last recommendation rested on, so it is not lowered',
  Throttled:
    'the container was throttled at its CPU limit, so use shows the limit and not the demand, and it is not lowered',
  OOMKilled:
    'the container was killed for memory within the window, so the peak is not known, and it is not lowered',
  AtMemoryLimit:
    'memory use reached the limit, so the peak may have been held down, and it is not lowered',
  HPAOwnsCPU: 'a HorizontalPodAutoscaler scales on CPU, and would scale at another point',
  HPAOwnsMemory: 'a HorizontalPodAutoscaler scales on memory, and would scale at another point',
  DecreaseNotAllowed: 'changes.decrease.allowed of the policy leaves it out',
  IncreaseNotAllowed: 'changes.increase.allowed of the policy leaves it out',
};

/** A sentence that says why a request is held, to follow "held: ". */
export function holdSentence(reason: HoldReason): string {
  return HOLD_SENTENCES[reason];
}

/** Which data, which quantile, which margin, as one sentence; says so where there is no usage. */
export function ruleSentence(
  resource: Resource,
  decision: Decision,
  settings: ContainerSettings,
  wording: Wording,
): string {
  const { estimate } = decision;
  if (estimate === undefined) return `no ${TITLES[resource]} usage in the window`;
  const days = daysText(estimate.coveredDays);
  const steps = [
    resource === 'memory'
      ? `the highest peak of ${days}, ${wording.amount('memory', estimate.stricter.use)}, × ${marginText(estimate)}`
      : levelsText(
          estimate,
          `${days} (half-life ${daysText(settings.halfLifeSeconds / DAY_SECONDS)})`,
          wording,
        ),
    ...(estimate.youthFactor > 1 ? [`× ${estimate.youthFactor} for short history`] : []),
  ];
  return `${steps.join(' ')} = ${wording.amount(resource, estimate.amount)}`;
}

/** `14 days`, `1 day`, `6 hours`: below one day a day's decimals say little. */
function daysText(coveredDays: number): string {
  const days = Number(coveredDays.toFixed(1));
  if (days >= 1) return days === 1 ? '1 day' : `${days} days`;
  const hours = Math.max(1, Math.round(coveredDays * 24));
  return hours === 1 ? '1 hour' : `${hours} hours`;
}

/** The margin that the estimate comes to, between those of the two levels. */
function marginText({ amount, youthFactor, stricter }: Estimate): string {
  const margin = stricter.use > 0 ? amount / youthFactor / stricter.use : stricter.margin;
  return margin.toFixed(2);
}

/** `p95 of 14 days, 99m, × 1.12`, or `of 14 days, between p95 99m × 1.12 and p98 120m × 1.18`. */
function levelsText({ looser, stricter }: Estimate, days: string, wording: Wording): string {
  const quantile = (level: Estimate['looser']) => `p${Number((level.quantile * 100).toFixed(1))}`;
  const use = (level: Estimate['looser']) => wording.amount('cpu', level.use);
  if (looser.risk === stricter.risk) {
    return `${quantile(stricter)} of ${days}, ${use(stricter)}, × ${stricter.margin}`;
  }
  const level = (each: Estimate['looser']) => `${quantile(each)} ${use(each)} × ${each.margin}`;
  return `of ${days}, between ${level(looser)} and ${level(stricter)}`;
}

const CLAMP_SENTENCES: Readonly<Record<Clamp['clamp'], string>> = {
  Bounds: "the policy's bounds",
  Guardrails: "the cluster policy's guardrails",
  RequestAboveLimit: 'a request cannot be above its limit',
  LimitRangeMin: "the namespace's LimitRange min",
  LimitRangeMax: "the namespace's LimitRange max",
  LimitRangeRatio: "the namespace's LimitRange maxLimitRequestRatio",
  LimitRangeDefault: "the namespace's LimitRange default, which would be set anyway",
  LimitRangePodMin: "the namespace's LimitRange min for pods",
  LimitRangePodMax: "the namespace's LimitRange max for pods",
  QoSClass: 'the QoS class of the pod is kept',
  NodeAllocatable: 'the pod must fit the largest node',
};

/** `CPU request 12m → 50m: the namespace's LimitRange min`. */
export function clampSentence(clamp: Clamp, wording: Wording): string {
  const text = (amount: number | undefined) =>
    amount === undefined ? 'none' : wording.amount(clamp.resource, amount);
  return `${TITLES[clamp.resource]} ${clamp.field} ${text(clamp.from)} → ${text(clamp.to)}: ${CLAMP_SENTENCES[clamp.clamp]}`;
}

const TITLES: Readonly<Record<Resource, string>> = { cpu: 'CPU', memory: 'memory' };

/** `0.7% of 5%` for CPU, `0 of 13 days` for memory; empty while nothing can be judged. */
export function realisedText(
  resource: Resource,
  { realised }: ResourceRecommendation,
  wording: Wording,
): string {
  if (realised === undefined) return '';
  return resource === 'cpu'
    ? wording.share(realised.share)
    : `${realised.daysHit} of ${realised.days} days`;
}

/** The whole story of one container: per resource the rule, what it would have realised, why it is held; then clamps. */
export function explain(
  recommendation: ContainerRecommendation,
  settings: ContainerSettings,
  wording: Wording,
): string {
  const sentences = RESOURCES.flatMap((resource) =>
    resourceSentences(resource, recommendation.resources[resource], { settings, wording }),
  );
  const { target } = recommendation;
  const isThrottled =
    target?.requests.cpu !== undefined && target.requests.cpu === target.limits.cpu;
  if (isThrottled) {
    sentences.push('The CPU limit is the request, so that use above it is throttled.');
  }
  const clamped = recommendation.clamps.map((clamp) => `${clampSentence(clamp, wording)}.`);
  return [...sentences, ...clamped].join(' ');
}

function resourceSentences(
  resource: Resource,
  result: ResourceRecommendation,
  { settings, wording }: { settings: ContainerSettings; wording: Wording },
): readonly string[] {
  const { decision, promised } = result;
  const title = resource === 'cpu' ? 'CPU' : 'Memory';
  const realised = realisedText(resource, result, wording);
  const sentences = [`${title}: ${ruleSentence(resource, decision, settings, wording)}.`];
  if (realised !== '') {
    const promise = wording.share(promised);
    sentences.push(
      resource === 'cpu'
        ? `Each day sized from the days before it, use was above the size ${realised} of the time; the policy allows ${promise}.`
        : `Each day sized from the days before it, the peak was above the size on ${realised}; the policy allows ${promise} of pod-days.`,
    );
  }
  if (decision.basis === 'AfterOomKill') {
    sentences.push(
      'Raised: a kill for memory asks for a fifth more than the limit, and 100Mi more at least.',
    );
  }
  if (decision.basis === 'LastRecommendation') {
    sentences.push('The last recommendation stays, since the difference is small.');
  }
  if (decision.hold !== undefined) sentences.push(`Held: ${holdSentence(decision.hold)}.`);
  if (decision.isWithinMinimum) sentences.push('The change would be too small to be worth one.');
  return sentences;
}
