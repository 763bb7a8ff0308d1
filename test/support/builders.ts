import { estimate, type Estimate } from '../../src/recommend/estimate.ts';
import type { PreviousRecommendation } from '../../src/recommend/hold.ts';
import {
  recommend,
  type ContainerInput,
  type ContainerRecommendation,
  type PodInput,
} from '../../src/recommend/recommend.ts';
import type { ContainerSettings, ResourceSettings } from '../../src/recommend/settings.ts';
import { sketchOf } from '../../src/recommend/sketch.ts';
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

/** The day that began so many days before NOW: a whole day of 100m and 100Mi unless something else is said. */
export function day(daysAgo: number, what: DayOf = {}): UsageDay {
  const { cpu = [0.1], pods = 1, oomKills = 0, throttledShare = 0 } = what;
  const peak = 'peak' in what ? what.peak : 100 * MI;
  return {
    startSeconds: NOW - daysAgo * DAY_SECONDS,
    cpu: sketchOf(cpu),
    cpuCoverage: what.cpuCoverage ?? Math.min(1, cpu.length),
    memoryPeakBytes: peak,
    memoryCoverage: what.memoryCoverage ?? (peak === undefined ? 0 : 1),
    pods,
    signals: { oomKills, restarts: 0, throttledShare },
  };
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
 * CPU risk 5 % at confidence 90 %, which is the prior p95 × 1.12; memory risk 1 %, which is the peak × 1.1; a window
 * of 14 days, a minimum of one, a half-life of three.
 */
export function settings({ cpu, memory, ...others }: SettingsChange = {}): ContainerSettings {
  return {
    resources: {
      cpu: { ...FREE, risk: 0.05, limit: { strategy: 'None' }, ...cpu },
      memory: { ...FREE, risk: 0.01, limit: { strategy: 'Headroom', headroom: 0 }, ...memory },
    },
    confidence: 0.9,
    windowSeconds: 14 * DAY_SECONDS,
    minimumSeconds: DAY_SECONDS,
    halfLifeSeconds: 3 * DAY_SECONDS,
    minimumChange: 0,
    ...others,
  };
}

/** The estimate at NOW; fails where there is none. */
export function estimated(
  resource: Resource,
  of: readonly UsageDay[],
  change: SettingsChange = {},
): Estimate {
  const found = estimate(resource, of, settings(change), NOW);
  if (found === undefined) throw new Error(`no estimate of ${resource}`);
  return found;
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

  oomKilled(agoSeconds: number): ContainerBuilder {
    return this.#but({ oomKilledSeconds: NOW - agoSeconds });
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
    oomKilledSeconds: undefined,
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
