import type { Mode } from '../api/policy.ts';
import { formatPercent } from '../api/percent.ts';
import {
  formatCpu,
  formatMemory,
  parseCpu,
  parseMemory,
  readableCpu,
  readableMemory,
} from '../api/quantity.ts';
import type { ContainerStatus, RecommendationStatus } from '../api/recommendation.ts';
import { formatTime } from '../api/timestamp.ts';
import {
  intervalWords,
  realisedWords,
  supportedWords,
  worstDayWords,
  type Wording,
} from '../recommend/evidencewords.ts';
import { clampSentence, explain, ruleSentence } from '../recommend/explain.ts';
import type { Realised } from '../recommend/realised.ts';
import { holds, wholeDays, type ContainerRecommendation } from '../recommend/recommend.ts';
import type { ContainerSettings } from '../recommend/settings.ts';
import { RESOURCES, type Amounts, type Resource } from '../recommend/usage.ts';
import type { Workload } from './ports.ts';
import { summaryOf } from './summary.ts';

/** Exact quantities and percentages of the API. */
export const WORDING: Wording = {
  amount: (resource, amount) => (resource === 'cpu' ? readableCpu(amount) : readableMemory(amount)),
  share: formatPercent,
  day: (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10),
};

/** What the API takes; the schema says the same. */
const MOST_CONTAINERS = 64;
const MOST_CLAMPS = 24;
const LONGEST_EXPLANATION = 1024;
const LONGEST_RULE = 512;

export interface StatusInput {
  /** Pods that the savings count for. */
  readonly pods: number;
  /** By container name. */
  readonly kinds: ReadonlyMap<string, ContainerStatus['kind']>;
  readonly policy: RecommendationStatus['policy'];
  readonly mode: Mode;
  readonly settings: ReadonlyMap<string, ContainerSettings>;
  readonly recommendations: readonly ContainerRecommendation[];
}

/** Everything in a status but its conditions, which depend on what was there before. */
export function statusOf(input: StatusInput): Omit<RecommendationStatus, 'conditions'> {
  const { policy, mode, settings, recommendations } = input;
  const saved = savings(recommendations, input.pods);
  const containers = recommendations.slice(0, MOST_CONTAINERS).flatMap((recommendation) => {
    const kind = input.kinds.get(recommendation.name) ?? 'Container';
    return settings.has(recommendation.name) ? [containerStatus(recommendation, kind)] : [];
  });
  return {
    mode,
    ...(policy && { policy }),
    ...reasonOf(recommendations),
    summary: summaryOf({ recommendations, savings: saved, policy }),
    // The API server keeps no empty list.
    ...(containers.length > 0 && { containers }),
    savings: quantities(saved),
  };
}

/** Pods that a recommendation counts for: a run of a CronJob or Job has one when none is wanted now. */
export function podCount({ ref, replicas }: Pick<Workload, 'ref' | 'replicas'>): number {
  return ref.kind === 'CronJob' || ref.kind === 'Job' ? Math.max(1, replicas) : replicas;
}

/** Requests now less requests as recommended, over the pods, in cores and bytes; what is not sized saves nothing. */
function savings(
  recommendations: readonly ContainerRecommendation[],
  pods: number,
): Required<Amounts> {
  const of = (resource: Resource) =>
    recommendations.reduce((sum, { current, target }) => {
      const from = current.requests[resource];
      const to = target?.requests[resource];
      return from === undefined || to === undefined ? sum : sum + (from - to) * pods;
    }, 0);
  return { cpu: of('cpu'), memory: of('memory') };
}

function reasonOf(recommendations: readonly ContainerRecommendation[]): { reason?: string } {
  const [first] = recommendations.flatMap((recommendation) => holds(recommendation));
  return first === undefined ? {} : { reason: first.reason };
}

/** Amounts as exact quantities; negative ones keep their sign. */
export function quantities(amounts: Amounts): { cpu?: string; memory?: string } {
  const { cpu, memory } = amounts;
  return {
    ...(cpu !== undefined && { cpu: signed(cpu, formatCpu) }),
    ...(memory !== undefined && { memory: signed(memory, formatMemory) }),
  };
}

/** What `quantities` wrote of amounts that are not negative; what is left out stays so. */
export function knownAmounts(
  texts: { readonly cpu?: string | undefined; readonly memory?: string | undefined } | undefined,
): Amounts {
  const { cpu, memory } = texts ?? {};
  return {
    ...(cpu !== undefined && { cpu: parseCpu(cpu) }),
    ...(memory !== undefined && { memory: parseMemory(memory) }),
  };
}

/** What `quantities` wrote, as amounts; what is left out is 0. */
export function amountsOf({
  cpu = '0',
  memory = '0',
}: {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
}): Required<Amounts> {
  return { cpu: unsigned(cpu, parseCpu), memory: unsigned(memory, parseMemory) };
}

function unsigned(text: string, parse: (quantity: string) => number): number {
  return text.startsWith('-') ? -parse(text.slice(1)) : parse(text);
}

function signed(amount: number, format: (amount: number) => string): string {
  const text = format(Math.abs(amount));
  return amount < 0 && text !== '0' ? `-${text}` : text;
}

function clipped(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** Bytes to the last digit are noise in an estimate: whole mebibytes. */
function readableUp(resource: Resource, amount: number): number {
  return resource === 'cpu' ? amount : Math.ceil(amount / 2 ** 20) * 2 ** 20;
}

function containerStatus(
  recommendation: ContainerRecommendation,
  kind: ContainerStatus['kind'],
): ContainerStatus {
  const { name, current, target, resources, clamps } = recommendation;
  const uncapped: Amounts = Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amount = resources[resource].decision.estimate?.amount;
      return amount === undefined ? [] : [[resource, readableUp(resource, amount)]];
    }),
  );
  return {
    name,
    kind,
    current: { requests: quantities(current.requests), limits: quantities(current.limits) },
    ...(target && {
      target: { requests: quantities(target.requests), limits: quantities(target.limits) },
    }),
    uncapped: quantities(uncapped),
    cpu: cpuStatus(recommendation),
    memory: memoryStatus(recommendation),
    evidence: evidenceStatus(recommendation),
    ...(clamps.length > 0 && {
      clamps: clamps.slice(0, MOST_CLAMPS).map((clamp) => ({
        clamp: clamp.clamp,
        resource: clamp.resource,
        field: clamp.field,
        from: quantities({ [clamp.resource]: clamp.from })[clamp.resource] ?? '',
        to: quantities({ [clamp.resource]: clamp.to })[clamp.resource] ?? '',
        message: clampSentence(clamp, WORDING),
      })),
    }),
    explanation: clipped(explain(recommendation, WORDING), LONGEST_EXPLANATION),
  };
}

type ResourceStatus = Omit<NonNullable<ContainerStatus['memory']>, 'oomKill'>;

function resourceStatus(
  resource: Resource,
  recommendation: ContainerRecommendation,
): ResourceStatus {
  const { decision, promised, realised, supported, restsOnDays } =
    recommendation.resources[resource];
  const level = supportedWords(supported, WORDING);
  return {
    rule: clipped(ruleSentence(resource, decision, WORDING), LONGEST_RULE),
    promised: formatPercent(promised),
    realised: realised === undefined ? '' : realisedWords(resource, realised, WORDING),
    ...(realised && daysStatus(resource, realised)),
    ...(level !== undefined && { supported: level }),
    observedDays: wholeDays(restsOnDays),
    ...(decision.hold !== undefined && { reason: decision.hold }),
  };
}

function daysStatus(
  resource: Resource,
  realised: Realised,
): Pick<ResourceStatus, 'interval' | 'worstDay'> {
  const worstDay = worstDayWords(resource, realised, WORDING);
  return {
    interval: intervalWords(resource, realised, WORDING),
    ...(worstDay !== undefined && { worstDay }),
  };
}

function cpuStatus(recommendation: ContainerRecommendation): NonNullable<ContainerStatus['cpu']> {
  const { realised } = recommendation.resources.cpu;
  return {
    ...resourceStatus('cpu', recommendation),
    ...(realised && { workOver: formatPercent(realised.workOver) }),
  };
}

function memoryStatus(
  recommendation: ContainerRecommendation,
): NonNullable<ContainerStatus['memory']> {
  const { oomKill } = recommendation.resources.memory;
  if (oomKill === undefined) return resourceStatus('memory', recommendation);
  const { seconds, limitBytes } = oomKill;
  const limit = limitBytes === undefined ? {} : { limit: formatMemory(limitBytes) };
  return {
    ...resourceStatus('memory', recommendation),
    oomKill: { time: formatTime(seconds), ...limit },
  };
}

function evidenceStatus({
  evidence,
}: ContainerRecommendation): NonNullable<ContainerStatus['evidence']> {
  return {
    days: evidence.days,
    pods: evidence.pods,
    from: dayText(evidence.firstSampleSeconds),
    to: dayText(evidence.lastSampleSeconds),
    basis: evidence.basis,
    confidence: evidence.confidence,
    ...(evidence.behaviour !== undefined && { behaviour: evidence.behaviour }),
  };
}

function dayText(seconds: number | undefined): string {
  return seconds === undefined ? '' : WORDING.day(seconds);
}
