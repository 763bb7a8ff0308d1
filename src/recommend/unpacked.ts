import { coresOfCode } from './buckets.ts';
import { FNV_BASIS, fnv, fnvOfBytes } from './fnv.ts';
import { bytesOfMemoryCode, WHOLE_THROTTLED, type HourHead } from './hourrecord.ts';
import { HOURS_OF_DAY } from './hours.ts';
import { HourCursor, hourStart, spanOf, type PackedUsage } from './packed.ts';
import { CodeRoom, type CodeArrays } from './coderoom.ts';
import {
  DAY_SECONDS,
  type HourCpu,
  type HourlyUse,
  type UsageDay,
  type UsageHistory,
} from './usage.ts';

const CURSOR = new HourCursor();

/**
 * Days of usage as the recommender walks over them; CPU within 1 % of what was folded, memory never below it. CPU of a
 * day is unpacked when it is first looked at, from a copy of the bytes.
 */
export function unpackUsage(packed: PackedUsage): UsageHistory {
  const records = new Records(packed.slice());
  const days: OpenDay[] = [];
  const peaksOf = peaksByDay();
  let open: OpenDay | undefined;
  let finestSeconds = Infinity;
  CURSOR.open(records.bytes);
  while (CURSOR.hour < Infinity) {
    const day = Math.floor(CURSOR.hour / HOURS_OF_DAY);
    if (open?.day !== day) {
      open = new OpenDay(day, records, peaksOf(days.length));
      days.push(open);
    }
    const head = CURSOR.readHead();
    if (head.hasCpu) finestSeconds = Math.min(finestSeconds, head.stepSeconds);
    open.take(CURSOR, head);
    CURSOR.next();
  }
  records.finestSeconds = finestSeconds;
  const [past, last] = [new CodeRoom(), new CodeRoom()];
  return {
    days: days.map((each) => each.close(finestSeconds, each === open ? last : past)),
    ...spanOf(packed),
  };
}

/**
 * Gives the memory of what was unpacked back at once, for the next history; hours that someone holds are empty then. It
 * may be looked at again, since its days are unpacked once more.
 */
export function giveBack({ days }: UsageHistory): void {
  for (const { hours } of days) if (hours instanceof DayHours) hours.giveBack();
}

/** So many days share an array: memory of its own for each would take longer than what is put there. */
const DAYS_AT_ONCE = 16;

/** Room for the peaks of each day, in ascending order: NaN so far. */
function peaksByDay(): (day: number) => Float64Array {
  let peaks = new Float64Array(0);
  return (day) => {
    const begin = (day % DAYS_AT_ONCE) * HOURS_OF_DAY;
    if (begin === 0) peaks = new Float64Array(DAYS_AT_ONCE * HOURS_OF_DAY).fill(NaN);
    return peaks.subarray(begin, begin + HOURS_OF_DAY);
  };
}

/** The bytes of a history, and where in them the record of each hour is. */
class Records {
  readonly bytes: PackedUsage;
  /** Time between samples where it is least. */
  finestSeconds = NaN;
  #begins = new Uint32Array(DAYS_AT_ONCE * HOURS_OF_DAY);
  #size = 0;

  constructor(bytes: PackedUsage) {
    this.bytes = bytes;
  }

  /** Room for the hours of another day; says where it begins. */
  addDay(): number {
    const place = this.#size;
    this.#size += HOURS_OF_DAY;
    if (this.#size > this.#begins.length) {
      const begins = new Uint32Array(2 * this.#begins.length);
      begins.set(this.#begins);
      this.#begins = begins;
    }
    return place;
  }

  put(place: number, begin: number): void {
    this.#begins[place] = begin;
  }

  /** 0 where there is no record. */
  beginAt(place: number): number {
    return this.#begins[place] ?? 0;
  }
}

/**
 * The hours of a day, whose CPU is unpacked when it is first asked for. It is no property of its own: what is copied or
 * compared field by field has no CPU.
 */
class DayHours implements HourlyUse {
  readonly memoryPeaks: Float64Array;
  readonly #records: Records;
  /** Where the day begins among the records. */
  readonly #place: number;
  readonly #room: CodeRoom;
  /** Where its codes begin. */
  readonly #begin: number;
  #cpu: readonly (HourCpu | undefined)[] | undefined;

  constructor(
    memoryPeaks: Float64Array,
    { records, place }: { readonly records: Records; readonly place: number },
    { room, begin }: { readonly room: CodeRoom; readonly begin: number },
  ) {
    this.memoryPeaks = memoryPeaks;
    this.#records = records;
    this.#place = place;
    this.#room = room;
    this.#begin = begin;
  }

  get cpu(): readonly (HourCpu | undefined)[] {
    return (this.#cpu ??= this.#unpack());
  }

  /** To be called of all days that share a room. */
  giveBack(): void {
    this.#cpu = undefined;
    this.#room.giveBack();
  }

  #unpack(): readonly (HourCpu | undefined)[] {
    const arrays = this.#room.arrays();
    const cpu = new Array<HourCpu | undefined>(HOURS_OF_DAY).fill(undefined);
    const { finestSeconds } = this.#records;
    let begin = this.#begin;
    for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
      const record = this.#records.beginAt(this.#place + hour);
      if (record === 0) continue;
      CURSOR.standOn(this.#records.bytes, record);
      const { hasCpu, stepSeconds } = CURSOR.readHead();
      if (!hasCpu) continue;
      const end = CURSOR.readCodes(arrays, begin);
      if (end > begin) cpu[hour] = hourOf(arrays, begin, end, stepSeconds / finestSeconds);
      begin = end;
    }
    return cpu;
  }
}

function hourOf(
  { codes, counts }: CodeArrays,
  begin: number,
  end: number,
  weight: number,
): HourCpu {
  let samples = 0;
  let sum = 0;
  for (let at = begin; at < end; at++) {
    const count = counts[at] ?? 0;
    samples += count;
    sum += coresOfCode(codes[at] ?? 0) * count;
  }
  return {
    begin,
    end,
    codes,
    counts,
    weight,
    cores: undefined,
    samples,
    sum,
  };
}

/** One at a time is open. */
class OpenDay {
  readonly day: number;
  readonly #records: Records;
  /** Where it begins among the records. */
  readonly #place: number;
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

  constructor(day: number, records: Records, peaks: Float64Array) {
    this.day = day;
    this.#records = records;
    this.#place = records.addDay();
    this.#peaks = peaks;
  }

  /** Takes the hour that the cursor stands on, of which the head was read. */
  take(cursor: HourCursor, head: HourHead): void {
    const { begin, end } = cursor;
    const hour = cursor.hour % HOURS_OF_DAY;
    if (head.hasCpu) this.#size += cursor.sketchSize();
    this.#records.put(this.#place + hour, begin);
    this.#hash = fnvOfBytes(fnv(this.#hash, hour), this.#records.bytes, begin, end);
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

  close(finestSeconds: number, room: CodeRoom): UsageDay {
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
      hours: new DayHours(
        this.#peaks,
        { records: this.#records, place: this.#place },
        { room, begin },
      ),
      // What an hour counts depends on the finest step of all.
      fingerprint: fnv(this.#hash, Math.round(finestSeconds * 1000)),
    };
  }
}
