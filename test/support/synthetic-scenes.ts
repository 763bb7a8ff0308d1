// Made-up containers, each with one trouble: what real traces seldom show on their own, and never on demand.
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { random } from './history-generator.ts';
import { HOUR, STEP, type PodUse, type Scene } from './synthetic.ts';

const MI = 2 ** 20;
const CORES = 0.2;
const BYTES = 200 * MI;

/** An amount that moves by 10 % to both sides, the same for the same seed and time. */
function about(amount: number, seed: number, seconds: number): number {
  return amount * (0.9 + 0.2 * random(seed, Math.floor(seconds / STEP)));
}

function alone(seconds: number, cores: number, bytes = BYTES): readonly PodUse[] {
  return [{ pod: 'a', cores: about(cores, 1, seconds), bytes: about(bytes, 2, seconds) }];
}

export const steady: Scene = (seconds) => alone(seconds, CORES);

/** Four times as much, from the hour `from` on, `hours` long, in each period. */
function burst(period: number, from: number, hours: number): Scene {
  return (seconds) => {
    const hour = (seconds % period) / HOUR;
    return alone(seconds, hour >= from && hour < from + hours ? 4 * CORES : CORES);
  };
}

/** Mondays from 09:00 to 13:00: 2.4 % of the week. */
export const weeklyBurst = burst(7 * DAY_SECONDS, 9, 4);

/** From 02:00 to 02:30: 2.1 % of the time. */
export const dailyBurst = burst(DAY_SECONDS, 2, 0.5);

/** Both resources at so many times the amount from a time on. */
export function levelShift(fromSeconds: number, times: number): Scene {
  return (seconds) => {
    const factor = seconds < fromSeconds ? 1 : times;
    return alone(seconds, factor * CORES, factor * BYTES);
  };
}

/** 4 % of what it began with a day. */
export const slowLeak: Scene = (seconds) => [
  {
    pod: 'a',
    cores: about(CORES, 1, seconds),
    bytes: BYTES * (1 + (0.04 * seconds) / DAY_SECONDS),
  },
];

/** As the scene, by other pods after each of the times. */
export function redeployed(scene: Scene, times: readonly number[]): Scene {
  return (seconds, sizes) => {
    const release = times.filter((time) => time <= seconds).length;
    return scene(seconds, sizes).map((use) => ({ ...use, pod: `release-${release}` }));
  };
}

/** Nothing is scraped in between. */
export function withGap(scene: Scene, fromSeconds: number, toSeconds: number): Scene {
  return (seconds, sizes) =>
    seconds >= fromSeconds && seconds < toSeconds ? [] : scene(seconds, sizes);
}

/**
 * The scene's CPU as a rate taken of a counter that begins again at zero at the times, by a reader that does not know
 * of resets: negative in the step that holds one.
 */
export function withCounterResets(scene: Scene, times: readonly number[]): Scene {
  return (seconds, sizes) => {
    const isReset = times.some((time) => time > seconds - STEP && time <= seconds);
    return scene(seconds, sizes).map((use) => (isReset ? { ...use, cores: -seconds / STEP } : use));
  };
}

/** Five times as much is demanded in between; the CPU limit throttles what is above it. */
export function throttled(fromSeconds: number, toSeconds: number): Scene {
  return (seconds, { limits }) => {
    const limit = limits.cpu ?? Infinity;
    const demand = seconds >= fromSeconds && seconds < toSeconds ? 5 * CORES : CORES;
    const [use] = alone(seconds, demand);
    const cores = Math.min(use?.cores ?? 0, limit);
    const throttledShare = demand > limit ? 1 - limit / demand : 0;
    return [{ pod: 'a', ...use, cores, signals: { throttledShare } }];
  };
}

/** From a time on it grows to `bytes` each half hour, and is killed where the memory limit is below. */
export function killedForMemory(fromSeconds: number, bytes: number): Scene {
  return (seconds, { limits }) => {
    if (seconds < fromSeconds) return alone(seconds, CORES);
    const limit = limits.memory ?? Infinity;
    const grown = (bytes * (1 + ((seconds - fromSeconds) % 1800) / STEP)) / 6;
    const isKilled = grown > limit;
    const signals = isKilled ? { oomKills: 1, restarts: 1 } : {};
    return [
      { pod: 'a', cores: about(CORES, 1, seconds), bytes: Math.min(grown, 0.99 * limit), signals },
    ];
  };
}
