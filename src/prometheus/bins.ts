/** Bins in a page: a day of minutes. */
const PAGE_BINS = 1440;

/** Times that end in (from, to], in bins that end at multiples of their length. */
export interface BinWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly binSeconds: number;
}

/** Pages that nobody uses at the moment, each of 11.5 kB, so that readings do not allocate them again and again. */
export class BinPages {
  readonly #free: Float64Array[] = [];

  /** A page of NaN. */
  take(): Float64Array {
    return (this.#free.pop() ?? new Float64Array(PAGE_BINS)).fill(NaN);
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
  #page: Float64Array | undefined;
  #pageNumber = -1;

  constructor(pages: BinPages, { fromSeconds, toSeconds, binSeconds }: BinWindow) {
    this.#pages = pages;
    this.#binSeconds = binSeconds;
    this.#first = Math.floor(fromSeconds / binSeconds) + 1;
    this.#last = Math.floor(toSeconds / binSeconds);
  }

  /** Of several values of a bin the highest stays; bins beyond the window are dropped. */
  raise(bin: number, value: number): void {
    if (bin < this.#first || bin > this.#last) return;
    const pageNumber = Math.floor(bin / PAGE_BINS);
    const page =
      pageNumber === this.#pageNumber && this.#page !== undefined
        ? this.#page
        : this.#open(pageNumber);
    const at = bin - pageNumber * PAGE_BINS;
    if (!((page[at] ?? 0) >= value)) page[at] = value;
  }

  /** Visits the values in ascending order of the bins' ends, and lets go of them. */
  drain(visit: (endSeconds: number, value: number) => void): void {
    const numbers = [...this.#own.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const page = this.#own.get(number) ?? new Float64Array(0);
      const first = number * PAGE_BINS;
      for (let at = 0; at < page.length; at++) {
        const value = page[at] ?? 0;
        if (!Number.isNaN(value)) visit((first + at) * this.#binSeconds, value);
      }
    }
    this.discard();
  }

  discard(): void {
    for (const page of this.#own.values()) this.#pages.giveBack(page);
    this.#own.clear();
    this.#page = undefined;
    this.#pageNumber = -1;
  }

  #open(pageNumber: number): Float64Array {
    const page = this.#own.get(pageNumber) ?? this.#pages.take();
    this.#own.set(pageNumber, page);
    this.#page = page;
    this.#pageNumber = pageNumber;
    return page;
  }
}
