import { CODES } from './buckets.ts';
import { HourHead, memoryCodeOf, WHOLE_THROTTLED } from './hourrecord.ts';
import { HOUR_SECONDS } from './hours.ts';
import { HourPages, type HourPage } from './hourpages.ts';
import { HourCursor, UsageWriter, type PackedUsage } from './packed.ts';
import { OpenPod, type PodFold } from './podfold.ts';
import { LEAST_BIN_SECONDS } from './rows.ts';
import { Sketch } from './sketch.ts';
import { unpackUsage } from './unpacked.ts';
import { DAY_SECONDS, type UsageHistory, type UsageSignals } from './usage.ts';

/** So many samples wait to be counted: 128 kB. */
const MOST_WAITING = 65_536;
const LEAST_WAITING = 256;

/** Room for codes that is free to be used again, since a container's is outgrown and let go within a second. */
const FREE_CODES: Uint16Array<ArrayBuffer>[] = [];
const MOST_FREE_CODES = 32;
const NO_CODES = new Uint16Array(0);

const WRITER = new UsageWriter();
const CURSOR = new HourCursor();
const SKETCH = new Sketch();
const DENSE = new Uint32Array(CODES);

/**
 * Folds the samples of one container class into sketches of hours. Samples may come in any order and pod by pod. Holds
 * 110 bytes an hour, 3.5 kB for a few of them, and 128 kB of samples that wait to be counted, however many come.
 */
export class HistoryFold {
  readonly #stepSeconds: number;
  readonly #hours = new HourPages();
  /** By hours of which codes wait in several parts, as those of several pods: begin and end of all but the first. */
  readonly #more = new Map<number, number[]>();
  readonly #pods = new Map<string, OpenPod>();
  #codes = NO_CODES;
  #waiting = 0;
  /** What was counted already. */
  #counted: PackedUsage | undefined;

  /** Time between samples; each stands for the step that begins at its time. */
  constructor(stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
  }

  /** The same for the same name. */
  ofPod(pod: string): PodFold {
    const open = this.#pods.get(pod);
    if (open !== undefined) return open;
    const fold = new OpenPod(this.#stepSeconds, (hour, part) => this.#take(hour, part));
    this.#pods.set(pod, fold);
    return fold;
  }

  addCpu(pod: string, timeSeconds: number, cores: number): void {
    this.ofPod(pod).addCpu(timeSeconds, cores);
  }

  addMemory(pod: string, timeSeconds: number, bytes: number): void {
    this.ofPod(pod).addMemory(timeSeconds, bytes);
  }

  /** Counts add up over pods and calls; of throttled shares the highest stays. */
  addSignals(timeSeconds: number, signals: Partial<UsageSignals>): void {
    const hour = Math.floor(timeSeconds / HOUR_SECONDS);
    const page = this.#hours.of(hour);
    page.addSignals(hour - page.firstHour, signals);
  }

  /** Undefined when no sample came at all. */
  packed(): PackedUsage | undefined {
    const pods = [...this.#pods.values()];
    for (const pod of pods) pod.flush();
    const firstSampleSeconds = Math.min(...pods.map(({ firstSeconds }) => firstSeconds));
    const lastSampleSeconds = Math.max(...pods.map(({ lastSeconds }) => lastSeconds));
    if (!Number.isFinite(lastSampleSeconds)) return undefined;
    return this.#count({ firstSampleSeconds, lastSampleSeconds });
  }

  /** Nothing more comes, and nothing is asked for: others may use the memory. */
  end(): void {
    this.#hours.release();
    this.#pods.clear();
  }

  /** As `packed`, in the form that is recommended from. */
  history(): UsageHistory | undefined {
    const packed = this.packed();
    return packed && unpackUsage(packed);
  }

  #take(hour: number, part: OpenPod): void {
    const page = this.#hours.of(hour);
    const at = hour - page.firstHour;
    page.take(at, part, part.isNewTo(hour));
    if (part.count === 0) return;
    if (this.#waiting + part.count > MOST_WAITING) this.#count(NO_SPAN);
    const begin = this.#waiting;
    this.#waiting += part.count;
    if (this.#codes.length === 0) this.#codes = FREE_CODES.pop() ?? new Uint16Array(LEAST_WAITING);
    while (this.#waiting > this.#codes.length) this.#codes = grown(this.#codes);
    const codes = this.#codes;
    for (let i = 0; i < part.count; i++) codes[begin + i] = part.codes[i] ?? 0;
    this.#wait(page, at, begin);
  }

  /** The codes from there to the last wait to be counted. */
  #wait(page: HourPage, at: number, begin: number): void {
    if (page.begin[at] === page.end[at]) {
      page.begin[at] = begin;
      page.end[at] = this.#waiting;
      return;
    }
    const hour = page.firstHour + at;
    const more = this.#more.get(hour) ?? [];
    more.push(begin, this.#waiting);
    this.#more.set(hour, more);
  }

  /** Counts the codes that wait into what was counted before. */
  #count(span: Pick<UsageHistory, 'firstSampleSeconds' | 'lastSampleSeconds'>): PackedUsage {
    WRITER.begin();
    CURSOR.open(this.#counted);
    this.#hours.eachOpen((page, at) => {
      const hour = page.firstHour + at;
      RANGE.low = CODES;
      RANGE.high = -1;
      if (CURSOR.hour === hour) {
        if (CURSOR.readHead().hasCpu) recount();
        CURSOR.next();
      }
      this.#countWaiting(page, at);
      gather();
      WRITER.hour(hour, this.#headOf(page, at), SKETCH);
    });
    this.#waiting = 0;
    this.#more.clear();
    if (this.#codes.length > 0 && FREE_CODES.length < MOST_FREE_CODES) FREE_CODES.push(this.#codes);
    this.#codes = NO_CODES;
    this.#counted = WRITER.end({ ...span, stepSeconds: this.#stepSeconds });
    return this.#counted ?? new Uint8Array(0);
  }

  #countWaiting(page: HourPage, at: number): void {
    countCodes(this.#codes, page.begin[at] ?? 0, page.end[at] ?? 0);
    page.begin[at] = page.end[at] = 0;
    const more = this.#more.get(page.firstHour + at) ?? NONE;
    for (let part = 0; part < more.length; part += 2) {
      countCodes(this.#codes, more[part] ?? 0, more[part + 1] ?? 0);
    }
  }

  #headOf(page: HourPage, at: number): HourHead {
    HEAD.hasCpu = SKETCH.size > 0;
    HEAD.stepSeconds = this.#stepSeconds;
    HEAD.cpuSeconds = this.#covered(page.cpuLow[at] ?? 0, page.cpuHigh[at] ?? 0);
    HEAD.memorySeconds = this.#covered(page.memoryLow[at] ?? 0, page.memoryHigh[at] ?? 0);
    HEAD.memoryCode = memoryCodeOf(page.memoryBytes[at] ?? 0);
    HEAD.pods = page.pods[at] ?? 0;
    HEAD.oomKills = Math.round(page.oomKills[at] ?? 0);
    HEAD.restarts = Math.round(page.restarts[at] ?? 0);
    HEAD.throttled = Math.ceil(Math.min(1, page.throttledShare[at] ?? 0) * WHOLE_THROTTLED);
    return HEAD;
  }

  /** A step of over an hour covers more than the hour that it begins in. */
  #covered(low: number, high: number): number {
    const binSeconds = Math.max(this.#stepSeconds, LEAST_BIN_SECONDS);
    const seconds = (bitsIn(low) + bitsIn(high)) * binSeconds;
    return binSeconds > HOUR_SECONDS ? seconds : Math.min(seconds, HOUR_SECONDS);
  }
}

const HEAD = new HourHead();
const NONE: readonly number[] = [];
const NO_SPAN = { firstSampleSeconds: 0, lastSampleSeconds: 0 };

/** The codes of the hour that is counted lie within. */
const RANGE = { low: CODES, high: -1 };

/** Takes the counts of the hour that the cursor stands on. */
function recount(): void {
  CURSOR.readSketch(SKETCH);
  const { codes, counts, size } = SKETCH;
  for (let i = 0; i < size; i++) DENSE[codes[i] ?? 0] = counts[i] ?? 0;
  RANGE.low = codes[0] ?? 0;
  RANGE.high = codes[size - 1] ?? 0;
}

function countCodes(codes: Uint16Array, begin: number, end: number): void {
  let { low, high } = RANGE;
  for (let i = begin; i < end; i++) {
    const code = codes[i] ?? 0;
    DENSE[code] = (DENSE[code] ?? 0) + 1;
    if (code < low) low = code;
    if (code > high) high = code;
  }
  RANGE.low = low;
  RANGE.high = high;
}

/** Takes the dense counts into the sketch, and clears them. */
function gather(): void {
  let size = 0;
  for (let code = RANGE.low; code <= RANGE.high; code++) {
    const count = DENSE[code] ?? 0;
    if (count === 0) continue;
    SKETCH.codes[size] = code;
    SKETCH.counts[size] = count;
    DENSE[code] = 0;
    size += 1;
  }
  SKETCH.size = size;
}

function grown(codes: Uint16Array): Uint16Array<ArrayBuffer> {
  const more = new Uint16Array(2 * codes.length);
  more.set(codes);
  return more;
}

/** Adds neighbours up: pairs of bits, then fours, then bytes. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * History of what runs to completion, such as a CronJob's pods: between two runs there is nothing that could be
 * missing, so a day with a run is seen whole.
 */
export function asRuns(history: UsageHistory): UsageHistory {
  return {
    ...history,
    days: history.days.map((day) => ({
      ...day,
      cpuCoverage: day.cpuCoverage > 0 ? 1 : 0,
      memoryCoverage: day.memoryCoverage > 0 ? 1 : 0,
    })),
  };
}

/** 00:00 UTC of the day that holds the time. */
export function dayStart(timeSeconds: number): number {
  return Math.floor(timeSeconds / DAY_SECONDS) * DAY_SECONDS;
}
