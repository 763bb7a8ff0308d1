import { coresOfCode } from './buckets.ts';
import { bytesOfMemoryCode, WHOLE_THROTTLED, type HourHead } from './hourrecord.ts';
import { HOURS_OF_DAY } from './hours.ts';
import { HourCursor, hourStart, spanOf, type PackedUsage } from './packed.ts';
import { Sketch } from './sketch.ts';
import { DAY_SECONDS, type HourCpu, type UsageDay, type UsageHistory } from './usage.ts';

const CURSOR = new HourCursor();
const SKETCH = new Sketch();

/** Days of usage as the recommender walks over them; CPU within 1 % of what was folded, memory never below it. */
export function unpackUsage(packed: PackedUsage): UsageHistory {
  const { finestSeconds, codes } = measure(packed);
  const room = new Room(codes);
  const days: UsageDay[] = [];
  let open: OpenDay | undefined;
  CURSOR.open(packed);
  while (CURSOR.hour < Infinity) {
    const day = Math.floor(CURSOR.hour / HOURS_OF_DAY);
    if (open?.day !== day) {
      if (open !== undefined) days.push(open.close());
      open = new OpenDay(day);
    }
    const head = CURSOR.readHead();
    const weight = head.stepSeconds / finestSeconds;
    if (head.hasCpu) CURSOR.readSketch(SKETCH);
    open.take(CURSOR.hour % HOURS_OF_DAY, head, head.hasCpu ? room.take(weight) : undefined);
    CURSOR.next();
  }
  if (open !== undefined) days.push(open.close());
  return { days, ...spanOf(packed) };
}

/** A sample of a coarser step stands for more time than one of the finest, so that it counts more. */
function measure(packed: PackedUsage): { readonly finestSeconds: number; readonly codes: number } {
  let finestSeconds = Infinity;
  let codes = 0;
  CURSOR.open(packed);
  while (CURSOR.hour < Infinity) {
    const head = CURSOR.readHead();
    if (head.hasCpu) {
      finestSeconds = Math.min(finestSeconds, head.stepSeconds);
      codes += CURSOR.sketchSize();
    }
    CURSOR.next();
  }
  return { finestSeconds, codes };
}

/** The arrays of all hours of a container. */
class Room {
  readonly #counts: Float32Array;
  readonly #codes: Uint16Array;
  #end = 0;

  constructor(size: number) {
    this.#counts = new Float32Array(size);
    this.#codes = new Uint16Array(size);
  }

  /** The hour that was read last; undefined where it has no sample. */
  take(weight: number): HourCpu | undefined {
    const { size } = SKETCH;
    if (size === 0) return undefined;
    const codes = this.#codes;
    const counts = this.#counts;
    const begin = this.#end;
    const end = begin + size;
    let samples = 0;
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const code = SKETCH.codes[i] ?? 0;
      counts[begin + i] = (SKETCH.counts[i] ?? 0) * weight;
      codes[begin + i] = code;
      // As it is kept, so that the parts come to the whole.
      const count = counts[begin + i] ?? 0;
      samples += count;
      sum += coresOfCode(code) * count;
    }
    this.#end = end;
    return { begin, end, codes, counts, cores: undefined, samples, sum };
  }
}

/** One at a time is open. */
class OpenDay {
  readonly day: number;
  readonly #cpu = new Array<HourCpu | undefined>(HOURS_OF_DAY).fill(undefined);
  readonly #peaks = new Float64Array(HOURS_OF_DAY).fill(NaN);
  #peak: number | undefined;
  #cpuSeconds = 0;
  #memorySeconds = 0;
  #pods = 0;
  #oomKills = 0;
  #restarts = 0;
  #throttled = 0;

  constructor(day: number) {
    this.day = day;
  }

  take(hour: number, head: HourHead, cpu: HourCpu | undefined): void {
    this.#cpu[hour] = cpu;
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

  close(): UsageDay {
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
      hours: { cpu: this.#cpu, memoryPeaks: this.#peaks },
    };
  }
}
