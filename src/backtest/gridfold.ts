import { ValueRow, type StepRow, type StepWindow } from '../recommend/rows.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { BIN_SECONDS, type GridSeries } from './grid.ts';

/** The usage of a series, whatever it is called. */
export type GridUsage = Omit<GridSeries, 'dataset' | 'series'>;

/**
 * Lays the samples of one container on the grid, in any order and pod by pod. Of several samples in a bin, as of
 * several replicas, the highest stays: a bin is over a size when any replica was. A value that is negative or not
 * finite is a missing sample, as is one outside the window. Takes 8 bytes a bin and resource.
 */
export class GridFold {
  readonly #startSeconds: number;
  readonly #length: number;
  readonly #values: Record<Resource, Float64Array | undefined> = {
    cpu: undefined,
    memory: undefined,
  };

  /** The window is widened to whole bins. */
  constructor(fromSeconds: number, toSeconds: number) {
    this.#startSeconds = Math.floor(fromSeconds / BIN_SECONDS) * BIN_SECONDS;
    this.#length = Math.ceil((toSeconds - this.#startSeconds) / BIN_SECONDS);
  }

  /** All pods share the grid. */
  ofPod(): this {
    return this;
  }

  addCpu(timeSeconds: number, cores: number): void {
    this.#add('cpu', timeSeconds, cores);
  }

  addMemory(timeSeconds: number, bytes: number): void {
    this.#add('memory', timeSeconds, bytes);
  }

  cpuRow(window: StepWindow): StepRow {
    return new ValueRow(window, (timeSeconds, cores) => this.addCpu(timeSeconds, cores));
  }

  memoryRow(window: StepWindow): StepRow {
    return new ValueRow(window, (timeSeconds, bytes) => this.addMemory(timeSeconds, bytes));
  }

  /** From the first bin with a sample to the last; undefined when no sample came at all. */
  usage(): GridUsage | undefined {
    const known = RESOURCES.flatMap((resource) => this.#values[resource] ?? []);
    if (known.length === 0) return undefined;
    const first = Math.min(...known.map((values) => values.findIndex(Number.isFinite)));
    const last = Math.max(...known.map((values) => values.findLastIndex(Number.isFinite)));
    // A copy of the part lets go of the whole.
    const part = (resource: Resource): Float64Array =>
      this.#values[resource]?.slice(first, last + 1) ?? new Float64Array(0);
    return {
      startSeconds: this.#startSeconds + first * BIN_SECONDS,
      cpu: part('cpu'),
      memory: part('memory'),
      stepSeconds: BIN_SECONDS,
    };
  }

  #add(resource: Resource, timeSeconds: number, amount: number): void {
    const bin = Math.floor((timeSeconds - this.#startSeconds) / BIN_SECONDS);
    if (!(amount >= 0 && amount < Infinity) || bin < 0 || bin >= this.#length) return;
    const values = (this.#values[resource] ??= new Float64Array(this.#length).fill(NaN));
    const highest = values[bin] ?? NaN;
    if (!(amount <= highest)) values[bin] = amount;
  }
}
