import { hash } from 'node:crypto';
import { SHORT_WINDOW_SECONDS } from './batches.ts';

/** The last sample of a series before a time. */
export interface Mark {
  readonly timeMs: number;
  readonly value: number;
}

/**
 * Labels that tell containers, their lives and their CPUs apart. Others may differ from one reading to the next, as those by which
 * each of two servers for the same targets names itself; what they count is the same.
 */
const TELLING = ['__name__', 'namespace', 'pod', 'container', 'id', 'name', 'cpu'] as const;

/** What a series is known by: 48 bits of a hash each, so that of a batch no two are alike but once in many millions. */
export interface SeriesName {
  /** By what counts, which is the same of two servers. */
  readonly id: number;
  /** By all of its labels. */
  readonly whole: number;
}

/** `key` is of all labels. */
export function seriesName(labels: ReadonlyMap<string, string>, key: string): SeriesName {
  const telling = TELLING.map((label) => labels.get(label) ?? '').join('\u0000');
  return { id: shortHash(telling), whole: shortHash(key) };
}

function shortHash(text: string): number {
  return hash('sha1', text, 'buffer').readUIntBE(0, 6);
}

/** Marks of the series of some pods, 32 bytes each: the same index of all arrays is one series. Ids ascend. */
export interface SeriesMarks {
  readonly atMs: number;
  readonly ids: Float64Array;
  readonly wholes: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export function seriesMarks(atMs: number, marks: Iterable<SeriesName & Mark>): SeriesMarks {
  const sorted = [...marks].sort((one, other) => one.id - other.id);
  return {
    atMs,
    ids: Float64Array.from(sorted, ({ id }) => id),
    wholes: Float64Array.from(sorted, ({ whole }) => whole),
    times: Float64Array.from(sorted, ({ timeMs }) => timeMs),
    values: Float64Array.from(sorted, ({ value }) => value),
  };
}

/** A mark that was looked for. */
export interface FoundMark extends Mark {
  /** It is of the series itself, not of another one of the same. */
  readonly isOwn: boolean;
}

/** Of several series of the same none counts, but for their own. */
function markIn(
  { ids, wholes, times, values }: SeriesMarks,
  { id, whole }: SeriesName,
): FoundMark | 'Several' | undefined {
  const first = firstIndex(ids, id);
  let end = first;
  for (; ids[end] === id; end++) {
    if (wholes[end] === whole)
      return { timeMs: times[end] ?? NaN, value: values[end] ?? NaN, isOwn: true };
  }
  if (end === first) return undefined;
  if (end > first + 1) return 'Several';
  return { timeMs: times[first] ?? NaN, value: values[first] ?? NaN, isOwn: false };
}

/** Of those in ascending order that are no less. */
function firstIndex(ids: Float64Array, id: number): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface WorkloadMarks {
  readonly atMs: number;
  readonly parts: readonly SeriesMarks[];
  /** All pods of the workload are in them. */
  readonly isComplete: boolean;
}

/** The newest, which count first: a workload that is read again and again in two hours has no more of them. */
const MOST_PARTS = 16;

/**
 * Marks by workload. A window that begins where all series of a workload have one needs no sample before it, which would
 * lie in a chunk that is read for nothing else.
 */
export class KnownMarks {
  readonly #byWorkload = new Map<string, WorkloadMarks>();
  #sweptMs = NaN;

  /** Of some pods of the workloads, in place of what was known of a time before. */
  add(marks: SeriesMarks, workloads: Iterable<string>): void {
    this.#forgetOld(marks.atMs);
    for (const key of workloads) {
      if (this.#isOutdone(key, marks.atMs)) continue;
      const known = this.#at(key, marks.atMs);
      this.#byWorkload.set(key, {
        atMs: marks.atMs,
        parts: [marks, ...(known?.parts ?? [])].slice(0, MOST_PARTS),
        isComplete: known?.isComplete ?? false,
      });
    }
  }

  /** A reading over the time has taken in all of the workload's pods. */
  complete(workload: string, atMs: number): void {
    if (this.#isOutdone(workload, atMs)) return;
    const parts = this.#at(workload, atMs)?.parts ?? [];
    this.#byWorkload.set(workload, { atMs, parts, isComplete: true });
  }

  /** Whether each series of the workload has a mark that has one at all: a sample in the minutes before the time. */
  isKnown(workload: string, atMs: number): boolean {
    return this.#at(workload, atMs)?.isComplete === true;
  }

  /** Of one series; undefined where it had no such sample, or ended, or is one of several that might be meant. */
  of(workload: string, atMs: number, name: SeriesName): FoundMark | undefined {
    for (const part of this.#at(workload, atMs)?.parts ?? []) {
      const mark = markIn(part, name);
      if (mark !== undefined) return mark === 'Several' ? undefined : mark;
    }
    return undefined;
  }

  /** As by a reading of what was missing some days ago: marks of the last one are of more use. */
  #isOutdone(workload: string, atMs: number): boolean {
    return (this.#byWorkload.get(workload)?.atMs ?? -Infinity) > atMs;
  }

  #at(workload: string, atMs: number): WorkloadMarks | undefined {
    const known = this.#byWorkload.get(workload);
    return known?.atMs === atMs ? known : undefined;
  }

  /** Of workloads that are read no more, or of a clock that was wrong: no window that begins at marks is longer. */
  #forgetOld(atMs: number): void {
    if (atMs === this.#sweptMs) return;
    this.#sweptMs = atMs;
    for (const [key, known] of this.#byWorkload) {
      if (Math.abs(atMs - known.atMs) > 1000 * SHORT_WINDOW_SECONDS) this.#byWorkload.delete(key);
    }
  }
}
