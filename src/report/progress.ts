/** Shows how far long work is, on one line of a terminal that is written over; says nothing elsewhere. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #width = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(text: string): void {
    if (!this.#out.isTTY) return;
    this.#out.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#out.isTTY || this.#width === 0) return;
    this.#out.write(`\r${' '.repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
