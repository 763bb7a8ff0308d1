/** Bins in a page: a day of minutes. */
const PAGE_BINS = 1440;

/** Amounts are 0 and up; a bin without one holds this. */
const NONE = -1;

/** Times that end in (from, to], in bins that end at multiples of their length. */
export interface BinWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly binSeconds: number;
}

/** Pages that nobody uses at the moment, each of 11.5 kB, so that readings do not allocate them again and again. */
export class BinPages {
  readonly #free: Float64Array[] = [];

  /** A page of empty bins. */
  take(): Float64Array {
    return (this.#free.pop() ?? new Float64Array(PAGE_BINS)).fill(NONE);
  }

  giveBack(page: Float64Array): void {
    this.#free.push(page);
  }
}

/** The highest value of each bin of one container, in pages that exist where there are values. */
export class BinRow {
  readonly #pages: BinPages;
  readonly #binSeconds: number;
  /** Bins are numbered by their end; the first and the last one of the window. */
  readonly #first: number;
  readonly #last: number;
  readonly #own = new Map<number, Float64Array>();

  constructor(pages: BinPages, { fromSeconds, toSeconds, binSeconds }: BinWindow) {
    this.#pages = pages;
    this.#binSeconds = binSeconds;
    this.#first = Math.floor(fromSeconds / binSeconds) + 1;
    this.#last = Math.floor(toSeconds / binSeconds);
  }

  /**
   * Takes the first `count` values, which are of bins in a row from `bin` on. Of several values of a bin the highest
   * stays; NaN is none; bins beyond the window are dropped.
   */
  raise(bin: number, values: Float64Array, count: number): void {
    const end = Math.min(bin + count, this.#last + 1);
    for (let from = Math.max(bin, this.#first); from < end;) {
      const pageNumber = Math.floor(from / PAGE_BINS);
      const pageStart = pageNumber * PAGE_BINS;
      const until = Math.min(end, pageStart + PAGE_BINS);
      raisePage(this.#open(pageNumber), from - pageStart, values.subarray(from - bin, until - bin));
      from = until;
    }
  }

  /**
   * Visits the pages in ascending order, each with the end of its first bin and a value for each bin, negative where
   * there is none; and lets go of them.
   */
  drain(visit: (endSeconds: number, values: Float64Array) => void): void {
    const numbers = [...this.#own.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const page = this.#own.get(number);
      if (page !== undefined) visit(number * PAGE_BINS * this.#binSeconds, page);
    }
    this.discard();
  }

  discard(): void {
    for (const page of this.#own.values()) this.#pages.giveBack(page);
    this.#own.clear();
  }

  #open(pageNumber: number): Float64Array {
    const page = this.#own.get(pageNumber) ?? this.#pages.take();
    this.#own.set(pageNumber, page);
    return page;
  }
}

function raisePage(page: Float64Array, from: number, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NONE;
    if (value > (page[from + i] ?? NONE)) page[from + i] = value;
  }
}
