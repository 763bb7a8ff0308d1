import type { Cadence } from '../recommend/cadence.ts';
import { PeakMargin, Peaks, PeakSize } from '../recommend/peaks.ts';
import { BIN_SECONDS, DAY_BINS, HOUR_BINS, type GridSeries } from './grid.ts';

/** The request in force on the bins [fromBin, toBin) of a series, in cores or bytes. */
export interface Row {
  readonly fromBin: number;
  readonly toBin: number;
  readonly amount: number;
}

/**
 * Walks a series hour by hour: a decision at a bin sees the bins before it only, and holds from it on. The rows tile
 * the bins from `firstBin`, a multiple of an hour, to the end; equal neighbours are one row. No row before the first sample.
 */
export function walkCpu(
  { cpu, startSeconds }: Pick<GridSeries, 'cpu' | 'startSeconds'>,
  cadence: Cadence,
  firstBin: number,
): readonly Row[] {
  const rows = new RowBuilder();
  let request: number | undefined;
  for (let bin = 0; bin < cpu.length; bin += HOUR_BINS) {
    const nowSeconds = startSeconds + bin * BIN_SECONDS;
    if (bin >= firstBin) {
      request = cadence.decide(nowSeconds, request)?.amount ?? request;
      if (request !== undefined)
        rows.add(bin, Math.min(bin + HOUR_BINS, cpu.length), written(request));
    }
    cadence.observe({ startSeconds: nowSeconds, cpu: cpu.subarray(bin, bin + HOUR_BINS), request });
  }
  return rows.rows;
}

/** Nine digits, so that what is scored here is what stands in the file of recommendations. */
function written(amount: number): number {
  return Number(amount.toPrecision(9));
}

/** Joins neighbours of the same amount. */
export class RowBuilder {
  readonly rows: Row[] = [];

  add(fromBin: number, toBin: number, amount: number): void {
    const last = this.rows.at(-1);
    if (last?.toBin === fromBin && last.amount === amount) {
      this.rows[this.rows.length - 1] = { ...last, toBin };
      return;
    }
    this.rows.push({ fromBin, toBin, amount });
  }
}

/**
 * Walks the memory of a whole fleet, each series from its own first sample: the margin of a day is fitted to what
 * all series showed on the days of their own before it. A decision at a bin sees the bins before it only.
 */
export function walkMemory(
  fleet: readonly MemoryStart[],
  risk: number,
): readonly (readonly Row[])[] {
  const margin = new PeakMargin(risk);
  const walks = fleet.map((start) => new MemoryWalk(start));
  const end = Math.max(0, ...fleet.map(({ series }) => series.memory.length));
  for (let bin = 0; bin < end; bin += DAY_BINS) {
    const excess = margin.excess();
    for (const added of walks.flatMap((walk) => walk.day(bin, excess))) margin.add(added);
  }
  return walks.map(({ rows }) => rows);
}

interface MemoryStart {
  readonly series: GridSeries;
  /** First bin with a row. */
  readonly firstBin: number;
}

class MemoryWalk {
  readonly #series: GridSeries;
  readonly #firstBin: number;
  readonly #peaks = new Peaks();
  readonly #size = new PeakSize();
  readonly #builder = new RowBuilder();

  constructor({ series, firstBin }: MemoryStart) {
    this.#series = series;
    this.#firstBin = firstBin;
  }

  get rows(): readonly Row[] {
    return this.#builder.rows;
  }

  /** Walks the day that begins at a bin, with the margin of that day; returns what it adds to the fit of the next. */
  day(firstBin: number, excess: number): readonly number[] {
    const { memory, startSeconds } = this.#series;
    const added: number[] = [];
    const end = Math.min(firstBin + DAY_BINS, memory.length);
    for (let bin = firstBin; bin < end; bin += HOUR_BINS) {
      const nowSeconds = startSeconds + bin * BIN_SECONDS;
      if (bin >= this.#firstBin) this.#decide(bin, nowSeconds, excess);
      const hour = memory.subarray(bin, bin + HOUR_BINS);
      const each = this.#peaks.observe({ startSeconds: nowSeconds, memory: hour });
      if (each !== undefined) added.push(each);
    }
    return added;
  }

  #decide(bin: number, nowSeconds: number, excess: number): void {
    const decision = this.#size.decide(this.#peaks, nowSeconds, excess);
    if (decision === undefined) return;
    const toBin = Math.min(bin + HOUR_BINS, this.#series.memory.length);
    this.#builder.add(bin, toBin, written(decision.amount));
  }
}
