import { HOUR_SECONDS } from './hours.ts';
import { HourCursor, hourStart, spanOf, type PackedUsage } from './packed.ts';
import { Sketch } from './sketch.ts';

/** Less than this of an hour is a gap: a scrape or two fails now and then. */
const COVERED_SECONDS = 0.9 * HOUR_SECONDS;

const CURSOR = new HourCursor();

export interface Gaps {
  /** Begin of the first hour of which samples are missing, and end of the last. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/**
 * Where samples of CPU or memory are missing between the first sample and the last full hour; of hours since
 * `fromSeconds` only. Undefined where none is.
 */
export function gapsOf(packed: PackedUsage, fromSeconds: number): Gaps | undefined {
  const { firstSampleSeconds, lastSampleSeconds } = spanOf(packed);
  // The hour of the first sample began before it.
  const first = Math.ceil(Math.max(firstSampleSeconds, fromSeconds) / HOUR_SECONDS);
  const end = Math.floor(lastSampleSeconds / HOUR_SECONDS);
  const seen = new Missing(first);
  CURSOR.open(packed);
  while (CURSOR.hour < end) {
    if (CURSOR.hour >= first) {
      const { cpuSeconds, memorySeconds } = CURSOR.readHead();
      seen.see(CURSOR.hour, Math.min(cpuSeconds, memorySeconds) >= COVERED_SECONDS);
    }
    CURSOR.next();
  }
  seen.see(end, true);
  return seen.gaps();
}

const SKETCH = new Sketch();

/**
 * Whether every pod that was seen in the hour, given as hours since 1970, has all of its CPU samples but one, and at
 * least so many pods were seen. Undefined where the hour has none.
 */
export function isWholeHour(packed: PackedUsage, hour: number, pods: number): boolean | undefined {
  CURSOR.open(packed);
  while (CURSOR.hour < hour) CURSOR.next();
  if (CURSOR.hour !== hour) return undefined;
  const head = CURSOR.readHead();
  if (!head.hasCpu) return undefined;
  CURSOR.readSketch(SKETCH);
  const whole = HOUR_SECONDS / head.stepSeconds;
  return head.pods >= pods && SKETCH.samples >= head.pods * (whole - 1);
}

/** The hours that are missing, from the first to the last. */
class Missing {
  #expected: number;
  #from = Infinity;
  #to = -Infinity;

  constructor(first: number) {
    this.#expected = first;
  }

  /** To be told of hours in ascending order; of those that are left out there is nothing. */
  see(hour: number, isCovered: boolean): void {
    if (hour > this.#expected) this.#add(this.#expected, hour);
    if (!isCovered) this.#add(hour, hour + 1);
    this.#expected = hour + 1;
  }

  #add(from: number, to: number): void {
    this.#from = Math.min(this.#from, from);
    this.#to = to;
  }

  gaps(): Gaps | undefined {
    if (this.#from >= this.#to) return undefined;
    return { fromSeconds: hourStart(this.#from), toSeconds: hourStart(this.#to) };
  }
}
