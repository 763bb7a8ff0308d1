import type { Behaviour } from './behaviour.ts';
import type { Decision } from './decide.ts';
import type { Clamp } from './draft.ts';
import {
  daysHitWords,
  fewDaysWords,
  realisedWords,
  supportedWords,
  worstDayWords,
  type Wording,
} from './evidencewords.ts';
import type { HoldReason } from './hold.ts';
import type { Realised } from './realised.ts';
import type { ContainerRecommendation, ResourceRecommendation } from './recommend.ts';
import type { Estimate } from './sizing.ts';
import { RESOURCES, type Resource } from './usage.ts';

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
  RiskNotKept:
    'the promise of the policy is broken beyond chance, so nothing is lowered until it is kept again',
  DecreaseNotAllowed: 'changes.decrease.allowed of the policy leaves it out',
  IncreaseNotAllowed: 'changes.increase.allowed of the policy leaves it out',
};

/** A sentence that says why a request is held, to follow "held: ". */
export function holdSentence(reason: HoldReason): string {
  return HOLD_SENTENCES[reason];
}

/** Which data, which quantile, which margin, as one sentence; says so where there is no usage. */
export function ruleSentence(resource: Resource, { estimate }: Decision, wording: Wording): string {
  if (estimate === undefined) return `no ${TITLES[resource]} usage in the window`;
  const amount = (value: number) => wording.amount(resource, value);
  const { use, margin, youthFactor, isSpent, wanted } = estimate;
  const factors = [
    ...(margin === 1 && youthFactor > 1 ? [] : [`× ${margin.toFixed(2)}`]),
    ...(isSpent ? ['while the risk budget is spent'] : []),
    ...(youthFactor > 1 ? [`× ${youthFactor.toFixed(2)} for short history`] : []),
  ];
  const rule = `${basisText(estimate)}, ${amount(use)}, ${factors.join(' ')} = ${amount(wanted)}`;
  const kept = amount(estimate.amount);
  // A step that is not worth one, or not due, is not taken.
  return kept === amount(wanted) ? rule : `${rule}; ${kept} stays`;
}

/**
 * `p98.7 of 14 days (half-life 3 days)`, `the highest peak of 14 days`, `the highest use of the last hour, …`. Tracking:
 * `p98.7 of what the next hour is expected to use, by 14 days`.
 */
function basisText(estimate: Estimate): string {
  const { basis, quantile, coveredDays, halfLifeDays = 0 } = estimate;
  const days = daysText(coveredDays);
  if (basis === 'Peak') return `the highest peak of ${days}`;
  if (basis === 'Shift') return 'the highest use of the last hour, which shifted to a higher level';
  const percentile = Number((quantile * 100).toFixed(quantile > 0.999 ? 2 : 1));
  if (estimate.cadence === 'Tracking') {
    return `p${percentile} of what the next hour is expected to use, by ${days}`;
  }
  return `p${percentile} of ${days} (half-life ${daysText(halfLifeDays)})`;
}

/** `14 days`, `1 day`, `6 hours`: below one day a day's decimals say little. */
function daysText(coveredDays: number): string {
  const days = Number(coveredDays.toFixed(1));
  if (days >= 1) return days === 1 ? '1 day' : `${days} days`;
  const hours = Math.max(1, Math.round(coveredDays * 24));
  return hours === 1 ? '1 hour' : `${hours} hours`;
}

const CLAMP_SENTENCES: Readonly<Record<Clamp['clamp'], string>> = {
  Bounds: "the policy's bounds",
  Guardrails: "the cluster policy's guardrails",
  RequestAboveLimit: 'a request cannot be above its limit',
  LimitRangeMin: "the namespace's LimitRange min",
  LimitRangeMax: "the namespace's LimitRange max",
  LimitRangeRatio: "the namespace's LimitRange maxLimitRequestRatio",
  LimitRangeDefault: "the namespace's LimitRange default, which would be set anyway",
  ResourceQuota: "the namespace's ResourceQuota counts limits, and refuses a pod without one",
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

const BEHAVIOUR_SENTENCES: Readonly<Record<Behaviour, string>> = {
  Steady: 'CPU use is steady.',
  Diurnal: 'CPU use follows the hour of the day.',
  Bursty: 'CPU use comes in bursts.',
  Batch: 'CPU use comes in runs, with little between them.',
  Idle: 'CPU is hardly used.',
};

/**
 * The whole story of one container: what its use looks like; per resource the rule, what it would have realised, why it
 * is held; then clamps.
 */
export function explain(recommendation: ContainerRecommendation, wording: Wording): string {
  const { behaviour } = recommendation.evidence;
  const sentences = [
    ...(behaviour === undefined ? [] : [BEHAVIOUR_SENTENCES[behaviour]]),
    ...RESOURCES.flatMap((resource) =>
      resourceSentences(resource, recommendation.resources[resource], wording),
    ),
  ];
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
  wording: Wording,
): readonly string[] {
  const { decision } = result;
  const title = resource === 'cpu' ? 'CPU' : 'Memory';
  const sentences = [
    `${title}: ${ruleSentence(resource, decision, wording)}.`,
    ...evidenceSentences(resource, result, wording),
  ];
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

function evidenceSentences(
  resource: Resource,
  result: ResourceRecommendation,
  wording: Wording,
): readonly string[] {
  const { realised, promised } = result;
  if (realised === undefined) return [];
  const found = replayedText(resource, realised, wording);
  const allowed = `the policy allows ${wording.share(promised)} of ${resource === 'cpu' ? 'the time' : 'pod-days'}`;
  return [
    `Replayed hour by hour, ${found}; ${allowed}.`,
    ...refutedSentences(result, wording),
    ...(resource === 'memory' ? marginSentences(result, realised, wording) : []),
  ];
}

/** `use was above the size 0.7% of the time (0.4% of the work), on 3 of 13 days, worst 2026-11-03: 12% of the day`. */
function replayedText(resource: Resource, realised: Realised, wording: Wording): string {
  const days = `on ${daysHitWords(realised)}`;
  const worst = worstDayWords(resource, realised, wording);
  const when = worst === undefined ? days : `${days}, worst ${worst}`;
  if (resource === 'memory') return `the peak was above the size ${when}`;
  if (worst === undefined) return `use was above the size ${days}`;
  const time = `${realisedWords(resource, realised, wording)} of the time`;
  return `use was above the size ${time} (${wording.share(realised.workOver)} of the work), ${when}`;
}

function refutedSentences(
  { supported }: ResourceRecommendation,
  wording: Wording,
): readonly string[] {
  const level = supportedWords(supported, wording);
  if (level === undefined) return [];
  return [
    level === 'none'
      ? 'That refutes the promise, and every looser one up to 10%.'
      : `That refutes the promise; the strictest risk that it does not refute is ${level}.`,
  ];
}

const MARGIN_SOURCES: Readonly<Record<NonNullable<Estimate['marginBasis']>, string>> = {
  Fleet: 'what the containers of the policy needed',
  Prior: 'what public traces needed',
};

/** That few days show little by themselves, and what the margin rests on instead. */
function marginSentences(
  { decision: { estimate }, promised }: ResourceRecommendation,
  realised: Realised,
  wording: Wording,
): readonly string[] {
  const few = fewDaysWords(realised, promised, wording);
  if (few === undefined) return [];
  const source = estimate?.marginBasis;
  // A factor for short history takes the place of the margin.
  if (source === undefined || estimate?.margin === 1) return [`${few}.`];
  return [`${few}; the margin rests on ${MARGIN_SOURCES[source]}.`];
}
