import type { Observation } from '../api/conditions.ts';
import type { Clamp } from '../recommend/draft.ts';
import { daysHitWords, realisedWords, worstDayWords } from '../recommend/evidencewords.ts';
import { clampSentence } from '../recommend/explain.ts';
import type { Realised } from '../recommend/realised.ts';
import type { ContainerRecommendation } from '../recommend/recommend.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { WORDING } from './status.ts';

/** One promise that the container's own history refutes. */
interface Broken {
  readonly recommendation: ContainerRecommendation;
  readonly resource: Resource;
  readonly realised: Realised;
  /** The strictest risk that it supports. */
  readonly supported: number | undefined;
}

/** More than these are counted only. */
const MOST_TOLD = 3;

/**
 * Promises that the containers' own histories refute, as one condition: by how much, what they support, and what to
 * write in the policy instead.
 */
export function unattainable(
  recommendations: readonly ContainerRecommendation[],
): readonly Observation[] {
  const broken = recommendations.flatMap((each) =>
    RESOURCES.flatMap((resource) => brokenOf(each, resource)),
  );
  const [first] = broken;
  if (first === undefined) return [];
  const others = broken.length - MOST_TOLD;
  const told = broken.slice(0, MOST_TOLD).map(sentences);
  return [
    {
      type: 'RiskUnattainable',
      status: 'True',
      reason: first.resource === 'cpu' ? 'CPURiskUnattainable' : 'MemoryRiskUnattainable',
      message: [...told, ...(others > 0 ? [`And ${others} more; see containers.`] : [])].join(' '),
    },
  ];
}

function brokenOf(recommendation: ContainerRecommendation, resource: Resource): readonly Broken[] {
  const { supported, realised } = recommendation.resources[resource];
  if (supported === undefined || supported.isAttainable || realised === undefined) return [];
  return [{ recommendation, resource, realised, supported: supported.risk }];
}

function sentences(broken: Broken): string {
  const { recommendation, resource, realised } = broken;
  const promised = WORDING.share(recommendation.resources[resource].promised);
  const found = realisedWords(resource, realised, WORDING);
  const what =
    resource === 'cpu'
      ? `CPU use was above the size ${found} of the time, on ${daysHitWords(realised)}`
      : `memory was above the size on ${found}`;
  return `${recommendation.name}: ${what}; the policy allows ${promised}. ${remedy(broken)}`;
}

const FIELDS: Readonly<Record<Resource, string>> = {
  cpu: 'riskTolerance.cpu.maxTimeOverRequest',
  memory: 'riskTolerance.memory.maxPodDaysOverLimit',
};

function remedy({ recommendation, resource, realised, supported }: Broken): string {
  const clamp = cutShortBy(recommendation, resource);
  if (clamp !== undefined) {
    return `A bound cuts the size short (${clampSentence(clamp, WORDING)}): move that, or allow more risk.`;
  }
  if (supported === undefined) {
    const worst = worstDayWords(resource, realised, WORDING);
    const look = worst === undefined ? '' : `, and look at its worst day (${worst})`;
    return `This refutes every risk up to 10%: set bounds.minAllowed for it${look}.`;
  }
  const share = WORDING.share(supported);
  return `The strictest risk that this does not refute is ${share}: write ${FIELDS[resource]}: "${share}" for it under containers of the policy, or set bounds.minAllowed.`;
}

/** What keeps the size that the promise is about below what the evidence asks for. */
function cutShortBy(
  { target, resources, clamps }: ContainerRecommendation,
  resource: Resource,
): Clamp | undefined {
  const asked = resources[resource].decision.estimate?.amount;
  const limit = resource === 'memory' ? target?.limits.memory : undefined;
  const size = limit ?? target?.requests[resource];
  if (asked === undefined || size === undefined || size >= asked) return undefined;
  const field = limit === undefined ? 'request' : 'limit';
  return clamps.find(
    ({ resource: of, field: which, from, to }) =>
      of === resource && which === field && to !== undefined && to < (from ?? Infinity),
  );
}
