import { coresOfCode } from './buckets.ts';
import { FNV_BASIS, fnv, fnvOfBytes } from './fnv.ts';
import { bytesOfMemoryCode, WHOLE_THROTTLED, type HourHead } from './hourrecord.ts';
import { HOURS_OF_DAY } from './hours.ts';
import { HourCursor, hourStart, spanOf, type PackedUsage } from './packed.ts';
import { Sketch } from './sketch.ts';
import {
  DAY_SECONDS,
  type HourCpu,
  type HourlyUse,
  type UsageDay,
  type UsageHistory,
} from './usage.ts';

const CURSOR = new HourCursor();
const SKETCH = new Sketch();

/**
 * Days of usage as the recommender walks over them; CPU within 1 % of what was folded, memory never below it. CPU of a
 * day is unpacked when it is first looked at, from a copy of the bytes.
 */
export function unpackUsage(packed: PackedUsage): UsageHistory {
  const bytes = packed.slice();
  const days: OpenDay[] = [];
  const peaksOf = peaksByDay();
  let open: OpenDay | undefined;
  let finestSeconds = Infinity;
  CURSOR.open(bytes);
  while (CURSOR.hour < Infinity) {
    const day = Math.floor(CURSOR.hour / HOURS_OF_DAY);
    if (open?.day !== day) {
      open = new OpenDay(day, bytes, peaksOf(days.length));
      days.push(open);
    }
    const head = CURSOR.readHead();
    if (head.hasCpu) finestSeconds = Math.min(finestSeconds, head.stepSeconds);
    open.take(CURSOR, head);
    CURSOR.next();
  }
  const [past, last] = [new Room(), new Room()];
  return {
    days: days.map((each) => each.close(finestSeconds, each === open ? last : past)),
    ...spanOf(packed),
  };
}

/** So many days share an array of peaks: memory of its own for each would take longer than what is put there. */
const PEAK_DAYS = 16;

/** Room for the peaks of each day, in ascending order: NaN so far. */
function peaksByDay(): (day: number) => Float64Array {
  let peaks = new Float64Array(0);
  return (day) => {
    const begin = (day % PEAK_DAYS) * HOURS_OF_DAY;
    if (begin === 0) peaks = new Float64Array(PEAK_DAYS * HOURS_OF_DAY).fill(NaN);
    return peaks.subarray(begin, begin + HOURS_OF_DAY);
  };
}

/**
 * The arrays for CPU of some days, made when the first of them is unpacked. The last day has its own, since mostly it is
 * the only one that is; arrays for each day would leave as many to the garbage collector.
 */
class Room {
  #size = 0;
  #counts: Float32Array<ArrayBuffer> | undefined;
  #codes: Uint16Array | undefined;

  /** Takes in so many codes before the first is unpacked; says where they begin. */
  reserve(size: number): number {
    const begin = this.#size;
    this.#size += size;
    return begin;
  }

  get counts(): Float32Array<ArrayBuffer> {
    return (this.#counts ??= new Float32Array(new ArrayBuffer(this.#size * 6), 0, this.#size));
  }

  /** In the same memory, behind them. */
  get codes(): Uint16Array {
    return (this.#codes ??= new Uint16Array(this.counts.buffer, this.#size * 4, this.#size));
  }
}

/** Where the hours of a day are. */
interface DayPlace {
  readonly bytes: PackedUsage;
  /** Where in the bytes the record of each hour is; 0 where there is none. */
  readonly begins: readonly number[];
  readonly room: Room;
  /** Where in the room it begins. */
  readonly begin: number;
  readonly finestSeconds: number;
}

/** The hours of a day, whose CPU is unpacked when it is first asked for. */
function hoursOf(place: DayPlace, memoryPeaks: Float64Array): HourlyUse {
  let cpu: readonly (HourCpu | undefined)[] | undefined;
  return {
    get cpu() {
      return (cpu ??= unpackDay(place));
    },
    memoryPeaks,
  };
}

function unpackDay(place: DayPlace): readonly (HourCpu | undefined)[] {
  const { counts, codes } = place.room;
  const cpu = new Array<HourCpu | undefined>(HOURS_OF_DAY).fill(undefined);
  let { begin } = place;
  for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
    const weight = readHour(place, hour);
    if (SKETCH.size === 0) continue;
    const end = begin + SKETCH.size;
    cpu[hour] = hourOf({ codes, counts, begin, end }, weight);
    begin = end;
  }
  return cpu;
}

/**
 * Reads the sketch of an hour, which is empty where it has none. A sample of a coarser step stands for more time than
 * one of the finest, so that it counts more: by what is given.
 */
function readHour({ bytes, begins, finestSeconds }: DayPlace, hour: number): number {
  SKETCH.size = 0;
  const begin = begins[hour] ?? 0;
  if (begin === 0) return 1;
  CURSOR.standOn(bytes, begin);
  const { hasCpu, stepSeconds } = CURSOR.readHead();
  if (hasCpu) CURSOR.readSketch(SKETCH);
  return stepSeconds / finestSeconds;
}

/** Takes over the sketch that was read last. */
function hourOf(
  part: Pick<HourCpu, 'codes' | 'counts' | 'begin' | 'end'>,
  weight: number,
): HourCpu {
  const { begin, end, codes, counts } = part;
  const sketch = SKETCH;
  let samples = 0;
  let sum = 0;
  for (let at = begin, i = 0; at < end; at++, i++) {
    const code = sketch.codes[i] ?? 0;
    codes[at] = code;
    counts[at] = (sketch.counts[i] ?? 0) * weight;
    // As it is kept, so that the parts come to the whole.
    const count = counts[at] ?? 0;
    samples += count;
    sum += coresOfCode(code) * count;
  }
  return { begin, end, codes, counts, cores: undefined, samples, sum };
}

/** One at a time is open. */
class OpenDay {
  readonly day: number;
  readonly #bytes: PackedUsage;
  readonly #begins = new Array<number>(HOURS_OF_DAY).fill(0);
  /** Of each hour; NaN where there is none. */
  readonly #peaks: Float64Array;
  #hash = FNV_BASIS;
  #size = 0;
  #peak: number | undefined;
  #cpuSeconds = 0;
  #memorySeconds = 0;
  #pods = 0;
  #oomKills = 0;
  #restarts = 0;
  #throttled = 0;

  constructor(day: number, bytes: PackedUsage, peaks: Float64Array) {
    this.day = day;
    this.#bytes = bytes;
    this.#peaks = peaks;
  }

  /** Takes the hour that the cursor stands on, of which the head was read. */
  take(cursor: HourCursor, head: HourHead): void {
    const { begin, end } = cursor;
    const hour = cursor.hour % HOURS_OF_DAY;
    if (head.hasCpu) this.#size += cursor.sketchSize();
    this.#begins[hour] = begin;
    this.#hash = fnvOfBytes(fnv(this.#hash, hour), this.#bytes, begin, end);
    if (head.memorySeconds > 0) {
      const bytes = bytesOfMemoryCode(head.memoryCode);
      this.#peaks[hour] = bytes;
      this.#peak = Math.max(this.#peak ?? 0, bytes);
    }
    this.#cpuSeconds += head.cpuSeconds;
    this.#memorySeconds += head.memorySeconds;
    this.#pods = Math.max(this.#pods, head.pods);
    this.#oomKills += head.oomKills;
    this.#restarts += head.restarts;
    this.#throttled = Math.max(this.#throttled, head.throttled);
  }

  close(finestSeconds: number, room: Room): UsageDay {
    const begin = room.reserve(this.#size);
    return {
      startSeconds: hourStart(this.day * HOURS_OF_DAY),
      cpuCoverage: Math.min(1, this.#cpuSeconds / DAY_SECONDS),
      memoryPeakBytes: this.#peak,
      memoryCoverage: Math.min(1, this.#memorySeconds / DAY_SECONDS),
      pods: this.#pods,
      signals: {
        oomKills: this.#oomKills,
        restarts: this.#restarts,
        throttledShare: this.#throttled / WHOLE_THROTTLED,
      },
      hours: hoursOf(
        { bytes: this.#bytes, begins: this.#begins, room, begin, finestSeconds },
        this.#peaks,
      ),
      // What an hour counts depends on the finest step of all.
      fingerprint: fnv(this.#hash, Math.round(finestSeconds * 1000)),
    };
  }
}
