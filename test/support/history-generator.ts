import type { UsageShape } from './cluster-metrics.ts';

export type ShapeKind = 'steady' | 'diurnal' | 'bursty' | 'batch' | 'growing' | 'idle';

/** How large a shape is to be. */
export interface ShapeScale {
  /** CPU that is exceeded for about 1 % of the time. */
  readonly cpuCores: number;
  /** Highest working set. */
  readonly memoryBytes: number;
}

/** Where shapes come from; the same arguments always give the same shape. */
export interface ShapeSource {
  /** For people: `generated`, or which traces. */
  readonly origin: string;
  shape(kind: ShapeKind, scale: ShapeScale, window: ShapeWindow): UsageShape;
}

/** Growth runs over the window; `seed` tells shapes of one kind apart. */
export interface ShapeWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly seed: number;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Shapes made from arithmetic and noise that depends on seed and time alone. */
export const generatedShapes: ShapeSource = {
  origin: 'generated',
  shape(kind, scale, window) {
    const relative = relativeShape(kind, window);
    return {
      cpuCores: (time) => scale.cpuCores * relative.cpu(time),
      memoryBytes: (time) => scale.memoryBytes * relative.memory(time),
    };
  },
};

interface RelativeShape {
  /** About 1 where the scale is reached. */
  readonly cpu: (timeSeconds: number) => number;
  readonly memory: (timeSeconds: number) => number;
}

function relativeShape(kind: ShapeKind, window: ShapeWindow): RelativeShape {
  const { seed } = window;
  const flatMemory = (time: number): number => 0.9 + 0.1 * smooth(seed + 1, time / (2 * HOUR));
  switch (kind) {
    case 'steady':
      return { cpu: (time) => 0.7 + 0.3 * noisy(seed, time), memory: flatMemory };
    case 'diurnal':
      return {
        cpu: (time) => daylight(time) * (0.8 + 0.2 * noisy(seed, time)),
        memory: (time) => 0.8 * flatMemory(time) + 0.2 * daylight(time),
      };
    case 'bursty':
      return { cpu: (time) => burst(seed, time), memory: flatMemory };
    case 'batch':
      return {
        cpu: (time) => (runsHourly(time) ? 0.8 + 0.2 * noisy(seed, time) : 0.01),
        memory: (time) => (runsHourly(time) ? flatMemory(time) : 0.1),
      };
    case 'growing':
      return {
        cpu: (time) => 0.6 + 0.4 * noisy(seed, time),
        memory: (time) => 0.4 + 0.55 * progress(window, time) + 0.05 * noisy(seed + 1, time),
      };
    case 'idle':
      return { cpu: (time) => 0.3 + 0.7 * noisy(seed, time), memory: flatMemory };
  }
}

/** 0.2 at night, 1 in the early afternoon of a weekday, half of that at weekends. */
function daylight(timeSeconds: number): number {
  const hour = (timeSeconds % DAY) / HOUR;
  const weekday = Math.floor(timeSeconds / DAY + 4) % 7;
  const busy = weekday === 0 || weekday === 6 ? 0.4 : 0.8;
  return 0.2 + busy * Math.max(0, Math.sin(((hour - 6) / 16) * Math.PI));
}

/** Ten minutes of full use after a quiet fifth, for one slot in twenty. */
function burst(seed: number, timeSeconds: number): number {
  const isBurst = random(seed, Math.floor(timeSeconds / 600)) < 0.05;
  return isBurst ? 0.7 + 0.3 * noisy(seed, timeSeconds) : 0.2 * noisy(seed, timeSeconds);
}

function runsHourly(timeSeconds: number): boolean {
  return timeSeconds % HOUR < 900;
}

function progress({ fromSeconds, toSeconds }: ShapeWindow, timeSeconds: number): number {
  return Math.min(1, Math.max(0, (timeSeconds - fromSeconds) / (toSeconds - fromSeconds)));
}

/** 0 to 1: slow, hourly and fast movements added up. */
function noisy(seed: number, timeSeconds: number): number {
  return (
    0.4 * smooth(seed, timeSeconds / (6 * HOUR)) +
    0.3 * smooth(seed + 7, timeSeconds / HOUR) +
    0.3 * random(seed + 13, Math.floor(timeSeconds / 60))
  );
}

/** Random values at whole numbers and straight lines between them. */
function smooth(seed: number, position: number): number {
  const left = Math.floor(position);
  const part = position - left;
  return (1 - part) * random(seed, left) + part * random(seed, left + 1);
}

/** 0 to 1, the same for the same seed and index: the finaliser of MurmurHash3 over both. */
export function random(seed: number, index: number): number {
  let bits = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index, 0x85ebca77)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
