import type { KnownPod } from '../../src/controller/knownpods.ts';
import type { PreviousRecommendation } from '../../src/recommend/hold.ts';
import { packHours } from '../../src/recommend/hours.ts';
import {
  recommend,
  type ContainerInput,
  type ContainerRecommendation,
  type PodInput,
} from '../../src/recommend/recommend.ts';
import type { ContainerSettings, ResourceSettings } from '../../src/recommend/settings.ts';
import { ALONE } from '../../src/recommend/fleet.ts';
import { size } from '../../src/recommend/size.ts';
import type { Estimate, Sizing } from '../../src/recommend/sizing.ts';
import {
  DAY_SECONDS,
  type Amounts,
  type Resource,
  type UsageDay,
  type UsageHistory,
} from '../../src/recommend/usage.ts';

export const MI = 2 ** 20;
export const GI = 2 ** 30;
export const HOUR_SECONDS = 3600;

/** 2027-01-15 00:00 UTC: at midnight, so that `days(14)` fill a window of 14 days. */
export const NOW = Date.UTC(2027, 0, 15) / 1000;

/** Running, and created long ago unless changed. */
export function aKnownPod(name: string, change: Partial<KnownPod> = {}): KnownPod {
  const createdSeconds = NOW - 90 * DAY_SECONDS;
  return { name, createdSeconds, startedSeconds: undefined, running: true, ...change };
}

export interface DayOf {
  /** Samples in cores. */
  readonly cpu?: readonly number[];
  readonly cpuCoverage?: number;
  /** Bytes; undefined for a day without a sample of memory. */
  readonly peak?: number | undefined;
  readonly memoryCoverage?: number;
  readonly pods?: number;
  readonly oomKills?: number;
  readonly throttledShare?: number;
}

function eachHour<T>(coverage: number, seen: T, missing: T): T[] {
  return Array.from({ length: 24 }, (_, hour) =>
    hour < Math.ceil(24 * coverage) ? seen : missing,
  );
}

/**
 * The day that began so many days before NOW: a whole day of 100m and 100Mi unless something else is said. Each hour
 * that is covered has all samples of the day and its peak; the first hours are covered.
 */
export function day(daysAgo: number, what: DayOf = {}): UsageDay {
  const { cpu = [0.1], pods = 1, oomKills = 0, throttledShare = 0 } = what;
  const { peak } = { peak: 100 * MI, ...what };
  const cpuCoverage = what.cpuCoverage ?? Math.min(1, cpu.length);
  const memoryCoverage = what.memoryCoverage ?? (peak === undefined ? 0 : 1);
  return {
    startSeconds: NOW - daysAgo * DAY_SECONDS,
    cpuCoverage,
    memoryPeakBytes: peak,
    memoryCoverage,
    pods,
    signals: { oomKills, restarts: 0, throttledShare },
    hours: packHours(eachHour(cpuCoverage, cpu, []), eachHour(memoryCoverage, peak ?? NaN, NaN)),
  };
}

/** A day of which each hour has its own CPU samples, and none of memory. */
export function dayOfHours(daysAgo: number, cpu: readonly (readonly number[])[]): UsageDay {
  const hours = packHours(cpu, new Float64Array(24).fill(NaN));
  return { ...day(daysAgo, { cpu: cpu.flat(), peak: undefined }), hours };
}

/** The last `count` days before NOW, ascending; `what` may depend on how long ago the day began. */
export function days(
  count: number,
  what: DayOf | ((daysAgo: number) => DayOf) = {},
): readonly UsageDay[] {
  return Array.from({ length: count }, (_, index) => {
    const daysAgo = count - index;
    return day(daysAgo, typeof what === 'function' ? what(daysAgo) : what);
  });
}

export function aHistory(
  of: readonly UsageDay[],
  changed: Partial<UsageHistory> = {},
): UsageHistory | undefined {
  const [first] = of;
  const last = of.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return {
    days: of,
    stepSeconds: 300,
    firstSampleSeconds: first.startSeconds,
    lastSampleSeconds: last.startSeconds + DAY_SECONDS - 300,
    ...changed,
  };
}

/** No bounds, changes of any size allowed: what a test names is all that binds. */
const FREE: Omit<ResourceSettings, 'risk' | 'limit'> = {
  bounds: { min: undefined, max: undefined },
  guardrails: { min: undefined, max: undefined },
  mayIncrease: true,
  mayDecrease: true,
};

export interface SettingsChange extends Partial<Omit<ContainerSettings, 'resources'>> {
  readonly cpu?: Partial<ResourceSettings>;
  readonly memory?: Partial<ResourceSettings>;
}

/**
 * CPU risk 5 % at confidence 90 %, memory risk 1 %, which for equal peaks is the peak × 1.1275; a window of 14 days, a
 * minimum of one, a half-life of three.
 */
export function settings({ cpu, memory, ...others }: SettingsChange = {}): ContainerSettings {
  return {
    resources: {
      cpu: { ...FREE, risk: 0.05, limit: { strategy: 'None' }, ...cpu },
      memory: { ...FREE, risk: 0.01, limit: { strategy: 'Headroom', headroom: 0 }, ...memory },
    },
    confidence: 0.9,
    cadence: 'Steady',
    windowSeconds: 14 * DAY_SECONDS,
    minimumSeconds: DAY_SECONDS,
    halfLifeSeconds: 3 * DAY_SECONDS,
    minimumChange: 0,
    ...others,
  };
}

/** What the walk over these days comes to at NOW, or at another time. */
export function sized(
  resource: Resource,
  of: readonly UsageDay[],
  change: SettingsChange = {},
  nowSeconds = NOW,
): Sizing {
  return size(resource, {
    days: of,
    settings: settings(change),
    nowSeconds,
    runsToCompletion: false,
    marginOf: ALONE.marginOf,
  });
}

/** The estimate at NOW; fails where there is none. */
export function estimated(
  resource: Resource,
  of: readonly UsageDay[],
  change: SettingsChange = {},
): Estimate {
  const { estimate } = sized(resource, of, change);
  if (estimate === undefined) throw new Error(`no estimate of ${resource}`);
  return estimate;
}

/** A container on its way into the recommender; each call gives a changed copy. */
export class ContainerBuilder {
  readonly #input: ContainerInput;

  constructor(input: ContainerInput) {
    this.#input = input;
  }

  #but(change: Partial<ContainerInput>): ContainerBuilder {
    return new ContainerBuilder({ ...this.#input, ...change });
  }

  named(name: string): ContainerBuilder {
    return this.#but({ name });
  }

  requesting(requests: Amounts): ContainerBuilder {
    return this.#but({ current: { ...this.#input.current, requests } });
  }

  limitedTo(limits: Amounts): ContainerBuilder {
    return this.#but({ current: { ...this.#input.current, limits } });
  }

  with(of: readonly UsageDay[], changed: Partial<UsageHistory> = {}): ContainerBuilder {
    return this.#but({ history: aHistory(of, changed) });
  }

  remembering(history: UsageHistory): ContainerBuilder {
    return this.#but({ history });
  }

  /** To completion, as a Job does. */
  running(): ContainerBuilder {
    return this.#but({ runsToCompletion: true });
  }

  walkedOver(walked: Float64Array | undefined): ContainerBuilder {
    return this.#but({ walked });
  }

  under(change: SettingsChange): ContainerBuilder {
    return this.#but({ settings: settings(change) });
  }

  ignored(): ContainerBuilder {
    return this.#but({ settings: undefined });
  }

  previously(
    resource: Resource,
    request: number,
    rest: Partial<PreviousRecommendation> = {},
  ): ContainerBuilder {
    const previous: PreviousRecommendation = {
      request,
      coveredDays: 14,
      lastSampleSeconds: undefined,
      isSamePolicy: true,
      ...rest,
    };
    return this.#but({ previous: { ...this.#input.previous, [resource]: previous } });
  }

  /** At the limit that it has now. */
  oomKilled(agoSeconds: number): ContainerBuilder {
    const limitBytes = this.#input.current.limits.memory;
    return this.#but({ oomKill: { seconds: NOW - agoSeconds, limitBytes } });
  }

  get input(): ContainerInput {
    return this.#input;
  }
}

/** `main`, with 14 days of 100m and 100Mi, without requests or limits. */
export function aContainer(): ContainerBuilder {
  return new ContainerBuilder({
    name: 'main',
    current: { requests: {}, limits: {} },
    settings: settings(),
    history: aHistory(days(14)),
    oomKill: undefined,
    runsToCompletion: false,
    previous: {},
  });
}

/** The recommendations for a pod of these containers, with nothing around it that binds. */
export function recommended(
  containers: readonly ContainerBuilder[],
  around: Partial<PodInput> = {},
): readonly ContainerRecommendation[] {
  return recommend({
    containers: containers.map(({ input }) => input),
    autoscaled: [],
    ...ALONE,
    limitRanges: [],
    largestNode: undefined,
    nowSeconds: NOW,
    ...around,
  });
}

/** The recommendation for a pod of this container alone. */
export function recommendedFor(
  container: ContainerBuilder,
  around: Partial<PodInput> = {},
): ContainerRecommendation {
  const [only] = recommended([container], around);
  if (only === undefined) throw new Error('no recommendation');
  return only;
}
