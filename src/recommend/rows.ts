/** Times that end in (from, to], in steps that end at multiples of their length. */
export interface StepWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly stepSeconds: number;
}

/** The steps of a window are numbered by their end, in units of their length: the first and the last one. */
export function stepsIn({ fromSeconds, toSeconds, stepSeconds }: StepWindow): {
  readonly first: number;
  readonly last: number;
} {
  return {
    first: Math.floor(fromSeconds / stepSeconds) + 1,
    last: Math.floor(toSeconds / stepSeconds),
  };
}

/** Whether a value is one of use: anything else is a missing sample. */
export function isAmount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

/** Shorter steps than this cover an hour by the minute: an hour has 60 bins at most. */
export const LEAST_BIN_SECONDS = 60;

/**
 * One resource of one container of one pod, step by step, while series of it come in. Nothing counts before `fold`,
 * so that a reading that failed leaves nothing behind.
 */
export interface StepRow {
  /**
   * Takes the first `count` values, in cores or bytes, which are of steps in a row from `step` on. Of several values of
   * a step the highest stays; NaN is none; steps beyond the window are dropped.
   */
  raise(step: number, values: Float64Array, count: number): void;
  /** Counts what came; the row is done with then. */
  fold(): void;
}

/** Hands each value on once it is folded, with the last second of its step. Takes 8 bytes a step. */
export class ValueRow implements StepRow {
  readonly #first: number;
  readonly #stepSeconds: number;
  readonly #add: (timeSeconds: number, amount: number) => void;
  readonly #values: Float64Array;

  constructor(window: StepWindow, add: (timeSeconds: number, amount: number) => void) {
    const { first, last } = stepsIn(window);
    this.#first = first;
    this.#stepSeconds = window.stepSeconds;
    this.#add = add;
    this.#values = new Float64Array(Math.max(0, last - first + 1)).fill(NaN);
  }

  raise(step: number, values: Float64Array, count: number): void {
    const begin = step - this.#first;
    const from = Math.max(0, -begin);
    const until = Math.min(count, this.#values.length - begin);
    for (let i = from; i < until; i++) {
      const value = values[i] ?? NaN;
      const highest = this.#values[begin + i] ?? NaN;
      if (!Number.isNaN(value) && !(value <= highest)) this.#values[begin + i] = value;
    }
  }

  fold(): void {
    for (const [at, value] of this.#values.entries()) {
      const timeSeconds = (this.#first + at) * this.#stepSeconds - 1;
      if (!Number.isNaN(value)) this.#add(timeSeconds, value);
    }
    this.#values.fill(NaN);
  }
}
