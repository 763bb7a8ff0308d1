import type { Kept } from '../recommend/kept.ts';
import type { ContainerRecommendation, ResourceRecommendation } from '../recommend/recommend.ts';
import type { ContainerSettings, Range, ResourceSettings } from '../recommend/settings.ts';
import { LEVELS, type DayExcess } from '../recommend/sizing.ts';
import type { Resource } from '../recommend/usage.ts';

/** What a container realised of its promise. */
export interface Judged {
  /** By the use that came after its sizes were recommended; else by replay. */
  readonly isLive: boolean;
  readonly days: number;
  /** CPU: share of the samples over the request, 0 to 1. Memory: share of the days over the limit. */
  readonly share: number;
  /** It keeps its promise, or so few days cannot show that it does not. */
  readonly isKeeping: boolean;
}

/** One resource of one container, over its pods; amounts in cores or bytes. */
export interface ResourceOutcome {
  /** 0 to 1. */
  readonly promised: number;
  /** Undefined while there is too little to judge by. */
  readonly judged: Judged | undefined;
  /** A bound that people set keeps it below what the evidence asks for. */
  readonly isCutShort: boolean;
  readonly requested: number;
  readonly recommended: number;
  /** Requests that each of LEVELS asks for within the bounds, in their order. */
  readonly curve: readonly number[];
}

export interface ContainerOutcome extends Readonly<Record<Resource, ResourceOutcome>> {
  /** What its days say of the margin on memory peaks. */
  readonly excesses: readonly DayExcess[];
}

/** Of all days of all containers, as the margins of a fleet are fitted from them. */
export function* excessesOf(containers: Iterable<ContainerOutcome>): Generator<DayExcess> {
  for (const { excesses } of containers) yield* excesses;
}

/** A replay of fewer days does not show whether a promise is kept. */
const LEAST_DAYS = 7;

/**
 * Days of live use, aged ones counted for what they are left with, from which on they go before the replay. Bursts
 * come on some days and not on others: of the shared traces 78 / 90 / 92 % kept a CPU risk of 1 / 2 / 5 % over 7 days
 * that came after, which is no broken promise, but 96 / 98 / 100 % over 20. 14 days with a half-life of 14 are 23 days. The days of memory are pooled, so that 7 are enough.
 */
const LEAST_LIVE_DAYS: Readonly<Record<Resource, number>> = { cpu: 14, memory: 7 };
const HOURS_OF_DAY = 24;

/** What the containers that are sized add to what their policy says of itself. */
export function containerOutcomes(
  recommendations: readonly ContainerRecommendation[],
  known: {
    /** By container name, as the tallies. */
    readonly settings: ReadonlyMap<string, ContainerSettings>;
    readonly pods: number;
    readonly tallies: ReadonlyMap<string, Kept>;
  },
): readonly ContainerOutcome[] {
  return recommendations.flatMap((recommendation) => {
    const { name } = recommendation;
    const settings = known.settings.get(name);
    if (settings === undefined) return [];
    const kept = known.tallies.get(name);
    return [containerOutcome(recommendation, { settings, pods: known.pods, kept })];
  });
}

function containerOutcome(
  { current, target, resources, excesses }: ContainerRecommendation,
  known: {
    readonly settings: ContainerSettings;
    readonly pods: number;
    readonly kept: Kept | undefined;
  },
): ContainerOutcome {
  const { settings, pods, kept } = known;
  const of = (resource: Resource): ResourceOutcome => {
    const result = resources[resource];
    const requested = current.requests[resource] ?? 0;
    const recommended = target?.requests[resource] ?? requested;
    const curve = curveOf(result, settings.resources[resource], recommended);
    return {
      promised: result.promised,
      judged: live(resource, result.promised, kept) ?? replayed(result),
      isCutShort: result.isCutShort,
      requested: requested * pods,
      recommended: recommended * pods,
      curve: curve.map((amount) => amount * pods),
    };
  };
  return { cpu: of('cpu'), memory: of('memory'), excesses };
}

/** Where no risk asks for anything, or somebody else decides, each risk costs what is recommended. */
function curveOf(
  { levels, decision }: ResourceRecommendation,
  settings: ResourceSettings,
  recommended: number,
): readonly number[] {
  const isForeign = decision.hold === 'HPAOwnsCPU' || decision.hold === 'HPAOwnsMemory';
  if (levels.length === 0 || isForeign) return LEVELS.map(() => recommended);
  const ranges = [settings.bounds, settings.guardrails];
  return levels.map(({ amount }) => ranges.reduce(clamped, amount));
}

function clamped(amount: number, { min = 0, max = Infinity }: Range): number {
  return Math.min(Math.max(amount, min), max);
}

function live(resource: Resource, promised: number, kept: Kept | undefined): Judged | undefined {
  if (kept === undefined) return undefined;
  const { cpu, memory } = kept;
  const of =
    resource === 'cpu'
      ? { days: cpu.hours / HOURS_OF_DAY, share: cpu.over / cpu.samples }
      : { days: memory.days, share: memory.daysHit / memory.days };
  if (of.days < LEAST_LIVE_DAYS[resource]) return undefined;
  return { isLive: true, ...of, isKeeping: of.share <= promised };
}

/** A week goes over here and there without a broken promise: it counts against a container when it refutes that. */
function replayed({ realised, promised, supported }: ResourceRecommendation): Judged | undefined {
  if (realised === undefined || realised.days < LEAST_DAYS) return undefined;
  const { days, share } = realised;
  return {
    isLive: false,
    days,
    share,
    isKeeping: share <= promised || supported?.isAttainable === true,
  };
}
