import { strictestSupported, type Supported } from './attainable.ts';
import type { Behaviour } from './behaviour.ts';
import { clampPod, type ClampContext } from './clamps.ts';
import { coveredInWindow, decide, type Decision } from './decide.ts';
import type { Clamp, Draft } from './draft.ts';
import type { FleetView } from './fleet.ts';
import { asRuns } from './history.ts';
import {
  expectedDays,
  lastOomKill,
  type HoldReason,
  type OomKill,
  type PreviousRecommendation,
} from './hold.ts';
import { limitFor } from './limits.ts';
import type { ContainerSettings } from './settings.ts';
import type { Realised } from './realised.ts';
import { size } from './size.ts';
import type { DayExcess, Level, Sizing, SizingInput } from './sizing.ts';
import {
  DAY_SECONDS,
  RESOURCES,
  type Amounts,
  type Resource,
  type Sizes,
  type UsageHistory,
} from './usage.ts';
import { daysInWindow } from './window.ts';

/** Everything that is known of one container of a workload. */
export interface ContainerInput {
  readonly name: string;
  readonly current: Sizes;
  /** Undefined: the policy ignores this container, which counts for its pod all the same. */
  readonly settings: ContainerSettings | undefined;
  readonly history: UsageHistory | undefined;
  /** The last OOM kill that its pods still tell of. */
  readonly oomKill: OomKill | undefined;
  /** A run of it ends by itself, as those of Jobs and CronJobs do. */
  readonly runsToCompletion: boolean;
  readonly previous: Readonly<Partial<Record<Resource, PreviousRecommendation>>>;
  /** Where the walk over its CPU stood when today began, as an earlier recommendation gave it. */
  readonly walked?: Float64Array | undefined;
}

export interface PodInput extends ClampContext, FleetView {
  readonly containers: readonly ContainerInput[];
  /** Resources that an autoscaler scales on. */
  readonly autoscaled: readonly Resource[];
  readonly nowSeconds: number;
}

export interface ResourceRecommendation {
  readonly decision: Decision;
  /** Days of use within the window, gaps not counted. */
  readonly coveredDays: number;
  /** Days of use that the request rests on: more than are covered while history that was there is missing. */
  readonly restsOnDays: number;
  readonly promised: number;
  /** Memory: the last kill within the window. */
  readonly oomKill: OomKill | undefined;
  /** Of the size as it is recommended: where a bound keeps it below what the evidence asks for, of that. */
  readonly realised: Realised | undefined;
  /** A bound keeps the size below what the evidence asks for, so that the promise is not the recommender's to keep. */
  readonly isCutShort: boolean;
  /** What other risks would ask for and would have realised; empty when nothing is known. */
  readonly levels: readonly Level[];
  /** What its own history says of the promise; undefined while that is too little. */
  readonly supported: Supported | undefined;
}

export type Confidence = 'High' | 'Medium' | 'Low';

export interface ContainerRecommendation {
  readonly name: string;
  readonly current: Sizes;
  /** Undefined when there is no request to give for any resource. */
  readonly target: Sizes | undefined;
  readonly resources: Readonly<Record<Resource, ResourceRecommendation>>;
  readonly clamps: readonly Clamp[];
  readonly evidence: {
    readonly days: number;
    readonly pods: number;
    readonly firstSampleSeconds: number | undefined;
    readonly lastSampleSeconds: number | undefined;
    /**
     * `Prior`: less than a week of its own, so that a factor stands for what was not seen yet. `Fleet`: its own history,
     * and for memory the margin of all containers of the policy. `OwnHistory`: that, with the margin of the prior.
     */
    readonly basis: 'OwnHistory' | 'Fleet' | 'Prior';
    readonly confidence: Confidence;
    /** Undefined without a sample of CPU. */
    readonly behaviour: Behaviour | undefined;
  };
  /** What its days say of the margin on memory peaks. */
  readonly excesses: readonly DayExcess[];
  /** To be given again at the next look, so that it need not walk over the days before today; undefined where nothing is new. */
  readonly walked: Float64Array | undefined;
}

/**
 * Sizes the containers of one workload together, since LimitRange, QoS class and node bind the pod. Pure: the same
 * input gives the same output. Containers without settings are left out of the result.
 */
export function recommend(input: PodInput): readonly ContainerRecommendation[] {
  const decided = input.containers.map((container) => ({
    container,
    resources: container.settings && decideAll(input, container, container.settings),
  }));
  const drafts = decided.map(({ container, resources }) => draftOf(container, resources));
  const clamped = clampPod(drafts, input);
  return decided.flatMap(({ container, resources }, index) => {
    const draft = clamped[index];
    if (resources === undefined || draft === undefined) return [];
    const { settings } = container;
    if (settings === undefined) return [];
    return [containerRecommendation(container, resources, { draft, settings, pod: input })];
  });
}

interface ResourceResult extends Omit<
  ResourceRecommendation,
  'realised' | 'isCutShort' | 'levels' | 'supported'
> {
  readonly sizing: Sizing;
}
type ResourceResults = Readonly<Record<Resource, ResourceResult>>;

function decideAll(
  input: PodInput,
  container: ContainerInput,
  settings: ContainerSettings,
): ResourceResults {
  const history = seenHistory(container);
  const of = (resource: Resource): ResourceResult => {
    const { walked } = container;
    const sizing = size(resource, { ...sizingInput(container, settings, input), walked });
    const evidence = {
      estimate: sizing.estimate,
      resource,
      history,
      settings,
      nowSeconds: input.nowSeconds,
      current: container.current.requests[resource],
      currentLimit: container.current.limits[resource],
      previous: container.previous[resource],
      oomKill: container.oomKill,
      runsToCompletion: container.runsToCompletion,
      isAutoscaled: input.autoscaled.includes(resource),
      isNotKept: input.notKept.includes(resource),
    };
    const covered = coveredInWindow(evidence);
    return {
      sizing,
      decision: decide(evidence),
      oomKill: resource === 'memory' ? lastOomKill(evidence) : undefined,
      coveredDays: covered,
      restsOnDays: Math.max(covered, expectedDays(evidence)),
      promised: settings.resources[resource].risk,
    };
  };
  return { cpu: of('cpu'), memory: of('memory') };
}

const UNBOUND = {
  keepsLimit: { cpu: false, memory: false },
  isHeld: { cpu: false, memory: false },
  bounds: { cpu: { min: undefined, max: undefined }, memory: { min: undefined, max: undefined } },
  guardrails: {
    cpu: { min: undefined, max: undefined },
    memory: { min: undefined, max: undefined },
  },
};

function draftOf(container: ContainerInput, resources: ResourceResults | undefined): Draft {
  const { name, current, settings } = container;
  const base = { name, current, clamps: [] };
  if (settings === undefined || resources === undefined) {
    return { ...base, ...current, ...UNBOUND, isSized: false };
  }
  const of = <T>(pick: (resource: Resource) => T) => ({ cpu: pick('cpu'), memory: pick('memory') });
  return {
    ...base,
    isSized: true,
    requests: defined(of((resource) => resources[resource].decision.request)),
    limits: defined(of((resource) => limitOf(container, settings, resources[resource].decision))),
    keepsLimit: of((resource) => settings.resources[resource].limit.strategy === 'Keep'),
    isHeld: of((resource) => resources[resource].decision.hold !== undefined),
    bounds: of((resource) => settings.resources[resource].bounds),
    guardrails: of((resource) => settings.resources[resource].guardrails),
  };
}

function limitOf(
  { current, previous }: ContainerInput,
  settings: ContainerSettings,
  { resource, request, hold }: Decision,
): number | undefined {
  return limitFor({
    resource,
    rule: settings.resources[resource].limit,
    request,
    current: { request: current.requests[resource], limit: current.limits[resource] },
    isHeld: hold !== undefined,
    isUnknown:
      (hold === 'NoHistory' || hold === 'HistoryTooShort') &&
      (previous[resource]?.coveredDays ?? 0) * DAY_SECONDS < settings.minimumSeconds,
  });
}

function defined(amounts: Readonly<Record<Resource, number | undefined>>): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amount = amounts[resource];
      return amount === undefined ? [] : [[resource, amount]];
    }),
  );
}

function seenHistory({ history, runsToCompletion }: ContainerInput): UsageHistory | undefined {
  return history !== undefined && runsToCompletion ? asRuns(history) : history;
}

function sizingInput(
  container: ContainerInput,
  settings: ContainerSettings,
  { nowSeconds, marginOf }: PodInput,
): SizingInput {
  const { days = [] } = seenHistory(container) ?? {};
  const { runsToCompletion } = container;
  return {
    days: daysInWindow(days, nowSeconds, settings.windowSeconds),
    settings,
    nowSeconds,
    runsToCompletion,
    marginOf,
  };
}

interface Outcome {
  readonly draft: Draft;
  readonly settings: ContainerSettings;
  readonly pod: PodInput;
}

function containerRecommendation(
  container: ContainerInput,
  results: ResourceResults,
  outcome: Outcome,
): ContainerRecommendation {
  const { name, current, history } = container;
  const { requests, limits, clamps } = outcome.draft;
  const { settings, pod } = outcome;
  const { days } = sizingInput(container, settings, pod);
  const of = (resource: Resource): ResourceRecommendation => {
    const { sizing, ...result } = results[resource];
    const most = cutShortAt(resource, result, outcome.draft);
    const { realised } =
      most === undefined
        ? sizing
        : size(resource, { ...sizingInput(container, settings, pod), most });
    const isCutShort = most !== undefined;
    return { ...result, realised, isCutShort, ...ofHistory(resource, result.promised, sizing) };
  };
  return {
    name,
    current,
    target: Object.keys(requests).length === 0 ? undefined : { requests, limits },
    resources: { cpu: of('cpu'), memory: of('memory') },
    clamps,
    evidence: {
      days: wholeDays(Math.max(results.cpu.coveredDays, results.memory.coveredDays)),
      pods: Math.max(0, ...days.map(({ pods }) => pods)),
      firstSampleSeconds: history?.firstSampleSeconds,
      lastSampleSeconds: history?.lastSampleSeconds,
      basis: basisOf(results),
      confidence: confidence(results),
      behaviour: results.cpu.sizing.behaviour,
    },
    excesses: results.memory.sizing.excesses,
    walked: results.cpu.sizing.walked,
  };
}

/** A bound that cuts the size short says nothing of what history supports. */
function ofHistory(
  resource: Resource,
  risk: number,
  { realised, levels }: Sizing,
): Pick<ResourceRecommendation, 'levels' | 'supported'> {
  return { levels, supported: strictestSupported(resource, { risk, realised }, levels) };
}

/**
 * What the promise is about, in cores or bytes, where that is less than the evidence asks for: the request of CPU, and
 * of memory the limit, or the request where there is none.
 */
function cutShortAt(
  resource: Resource,
  { decision: { estimate } }: Pick<ResourceResult, 'decision'>,
  { requests, limits }: Draft,
): number | undefined {
  const promised = resource === 'memory' ? (limits.memory ?? requests.memory) : requests[resource];
  if (estimate === undefined || promised === undefined) return undefined;
  return promised < estimate.amount ? promised : undefined;
}

/** 13.99 days are 14: the last scrape is not in yet. */
export function wholeDays(days: number): number {
  return Math.floor(days + 0.05);
}

/** From so many days on nothing is put on for want of history. */
const GROWN_DAYS = 7;

function basisOf({ cpu, memory }: ResourceResults): ContainerRecommendation['evidence']['basis'] {
  const isYoung = Math.max(cpu.coveredDays, memory.coveredDays) < GROWN_DAYS;
  if (isYoung) return 'Prior';
  return memory.sizing.estimate?.marginBasis === 'Fleet' ? 'Fleet' : 'OwnHistory';
}

/** High from 14 days on, Medium from 7; Low below, and whatever a limit held down. */
function confidence({ cpu, memory }: ResourceResults): Confidence {
  const covered = Math.min(cpu.coveredDays, memory.coveredDays);
  if (cpu.decision.isCensored || memory.decision.isCensored || covered < GROWN_DAYS) return 'Low';
  // A fortnight's window begins within a day, and scrapes fail: 13.5 days of 14 are whole.
  return covered >= 13.5 ? 'High' : 'Medium';
}

/** The resources that are held, each with its reason. */
export function holds(
  recommendation: ContainerRecommendation,
): readonly { readonly resource: Resource; readonly reason: HoldReason }[] {
  return RESOURCES.flatMap((resource) => {
    const reason = recommendation.resources[resource].decision.hold;
    return reason === undefined ? [] : [{ resource, reason }];
  });
}
