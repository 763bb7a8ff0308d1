import { policyFromFlags } from '../../src/cli/policyflags.ts';
import { containerSettings } from '../../src/controller/settings.ts';
import { ALONE } from '../../src/recommend/fleet.ts';
import { HistoryFold } from '../../src/recommend/history.ts';
import { mergePacked } from '../../src/recommend/mergepacked.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import type { PreviousRecommendation } from '../../src/recommend/hold.ts';
import {
  recommend,
  wholeDays,
  type ContainerInput,
  type ContainerRecommendation,
} from '../../src/recommend/recommend.ts';
import type { ContainerSettings, Range } from '../../src/recommend/settings.ts';
import {
  DAY_SECONDS,
  RESOURCES,
  type Resource,
  type Sizes,
  type UsageHistory,
  type UsageSignals,
} from '../../src/recommend/usage.ts';

/** A Monday, 00:00 UTC. */
export const START = Date.UTC(2027, 0, 4) / 1000;
export const DAYS = 28;
export const HOUR = 3600;
/** Of the samples. */
export const STEP = 300;

/** What one pod of the container is seen to use in one step; what is left out was not scraped. */
export interface PodUse {
  readonly pod: string;
  readonly cores?: number;
  readonly bytes?: number;
  readonly signals?: Partial<UsageSignals>;
}

/** A made-up container: what its pods use at a time, given the sizes that they run with. Seconds since START. */
export type Scene = (seconds: number, sizes: Sizes) => readonly PodUse[];

/** How a container is looked at. */
export interface Walked {
  readonly cpuRisk?: string;
  /** What it runs with, whatever is recommended; at the beginning, where recommendations are applied. */
  readonly sizes?: Sizes;
  /** Each recommendation is in force from its look on. */
  readonly isApplied?: boolean;
  readonly memoryBounds?: Range;
  /** It is looked at once a day, at midnight; else after each hour, as the operator does. */
  readonly isDaily?: boolean;
}

/** What was recommended at the end of an hour, and how it went against the look before. */
export interface Look {
  /** End of the hour; seconds since START. */
  readonly seconds: number;
  readonly recommendation: ContainerRecommendation;
  /** Cores and bytes. */
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  /** CPU samples of the hour, and how many of them were over the request until then. */
  readonly samples: number;
  readonly over: number;
  /** A sample of memory of the hour was over the request until then. */
  readonly isMemoryOver: boolean;
}

/** The first week is there to be history: a look a day is enough. */
const DAILY_UNTIL = 7 * DAY_SECONDS;

/** The scene hour by hour, from the second week on, each look fed with what the one before it recommended. */
export function walk(scene: Scene, walked: Walked = {}): readonly Look[] {
  const settings = settingsOf(walked);
  const looks: Look[] = [];
  let packed: PackedUsage | undefined;
  let fold = new HistoryFold(STEP);
  let sizes = walked.sizes ?? { requests: {}, limits: {} };
  for (let begin = 0; begin < DAYS * DAY_SECONDS; begin += HOUR) {
    if (begin % DAY_SECONDS === 0) fold = new HistoryFold(STEP);
    const used = hourOf(scene, begin, sizes);
    for (const { seconds, use } of used) add(fold, START + seconds, use);
    const now = START + begin + HOUR;
    packed = mergePacked(packed, fold.packed(), now - settings.windowSeconds);
    if (!isLookedAt(begin + HOUR, walked)) continue;
    const last = looks.at(-1);
    const previous = last === undefined ? {} : previousOf(last.recommendation);
    const container = { ...BARE, settings, current: sizes, history: historyOf(packed), previous };
    const look = lookAt(container, now);
    looks.push({ ...look, ...heldAgainst(last, used) });
    if (walked.isApplied) sizes = look.recommendation.target ?? sizes;
  }
  return looks;
}

function historyOf(packed: PackedUsage | undefined): UsageHistory | undefined {
  return packed && unpackUsage(packed);
}

function isLookedAt(seconds: number, { isDaily = false }: Walked): boolean {
  return seconds % DAY_SECONDS === 0 || (seconds > DAILY_UNTIL && !isDaily);
}

const BARE: Pick<ContainerInput, 'name' | 'oomKill' | 'runsToCompletion'> = {
  name: 'main',
  oomKill: undefined,
  runsToCompletion: false,
};

/** Everything that is not said is as a policy has it that says nothing. */
function settingsOf({ cpuRisk, memoryBounds }: Walked): ContainerSettings {
  const { policy } = policyFromFlags(cpuRisk === undefined ? {} : { cpuRisk });
  const settings = containerSettings(policy, 'main', []);
  if (settings === undefined) throw new Error('the policy ignores the container');
  const { cpu, memory } = settings.resources;
  const bounds = memoryBounds ?? memory.bounds;
  return { ...settings, resources: { cpu, memory: { ...memory, bounds } } };
}

interface Used {
  readonly seconds: number;
  readonly use: PodUse;
}

function hourOf(scene: Scene, begin: number, sizes: Sizes): readonly Used[] {
  const steps = Array.from({ length: HOUR / STEP }, (_, step) => begin + step * STEP);
  return steps.flatMap((seconds) => scene(seconds, sizes).map((use) => ({ seconds, use })));
}

function add(fold: HistoryFold, timeSeconds: number, use: PodUse): void {
  const { pod, cores, bytes, signals } = use;
  if (cores !== undefined) fold.addCpu(pod, timeSeconds, cores);
  if (bytes !== undefined) fold.addMemory(pod, timeSeconds, bytes);
  if (signals !== undefined) fold.addSignals(timeSeconds, signals);
}

/** As the status of a Recommendation has it. */
function previousOf({
  target,
  resources,
  evidence,
}: ContainerRecommendation): Partial<Record<Resource, PreviousRecommendation>> {
  const entries = RESOURCES.flatMap((resource) => {
    const request = target?.requests[resource];
    if (request === undefined) return [];
    const coveredDays = wholeDays(resources[resource].restsOnDays);
    const { lastSampleSeconds } = evidence;
    const { oomKill } = resources[resource];
    const known = { request, coveredDays, lastSampleSeconds, oomKill, isSamePolicy: true };
    return [[resource, known] as const];
  });
  return Object.fromEntries(entries);
}

function lookAt(
  container: ContainerInput,
  nowSeconds: number,
): Pick<Look, 'seconds' | 'recommendation' | 'cpu' | 'memory'> {
  const [recommendation] = recommend({
    containers: [container],
    autoscaled: [],
    limitRanges: [],
    largestNode: undefined,
    ...ALONE,
    nowSeconds,
  });
  if (recommendation === undefined) throw new Error('nothing was recommended');
  const { cpu, memory } = recommendation.target?.requests ?? {};
  return { seconds: nowSeconds - START, recommendation, cpu, memory };
}

function heldAgainst(
  before: Look | undefined,
  used: readonly Used[],
): Pick<Look, 'samples' | 'over' | 'isMemoryOver'> {
  const { cpu = Infinity, memory = Infinity } = before ?? {};
  const cores = used.flatMap(({ use }) => use.cores ?? []);
  return {
    samples: cores.length,
    over: cores.filter((each) => each > cpu).length,
    isMemoryOver: used.some(({ use }) => (use.bytes ?? 0) > memory),
  };
}

/** Share of the CPU samples of these looks that were over the request. */
export function shareOver(looks: readonly Look[]): number {
  const sum = (of: (look: Look) => number) => looks.reduce((total, look) => total + of(look), 0);
  return sum(({ over }) => over) / sum(({ samples }) => samples);
}
