/** Shorter ones, such as `true`, would turn up in any text. */
const SHORTEST = 6;
/** Rotated ones stay known for a while, as a late error may name them. */
const MOST_KEPT = 50;

/** What was sent to a server to get in, so that no message says it again. */
export class Secrets {
  /** Of the flags: for as long as the process runs. */
  readonly #lasting: ReadonlySet<string>;
  /** Of files that change, the latest last. */
  readonly #renewed = new Set<string>();

  constructor(lasting: readonly (string | undefined)[]) {
    this.#lasting = new Set(
      lasting.flatMap((value) => (value === undefined ? [] : formsOf(value))),
    );
  }

  add(value: string): void {
    for (const form of formsOf(value)) {
      if (this.#lasting.has(form)) continue;
      this.#renewed.delete(form);
      this.#renewed.add(form);
    }
    for (const oldest of this.#renewed) {
      if (this.#renewed.size <= MOST_KEPT) break;
      this.#renewed.delete(oldest);
    }
  }

  redact(text: string): string {
    let clean = text;
    // A secret may be a part of another, of which a rest would stay.
    const longestFirst = [...this.#lasting, ...this.#renewed].sort((a, b) => b.length - a.length);
    for (const secret of longestFirst) clean = clean.replaceAll(secret, '…');
    return clean;
  }
}

/** A value, and what it is made of: `Bearer TOKEN`, `user:password`. */
function formsOf(value: string): readonly string[] {
  const parts = [value, ...value.split(/\s+/), value.slice(value.indexOf(':') + 1)];
  return parts
    .flatMap((part) => [part, encodeURIComponent(part)])
    .filter((form) => form.length >= SHORTEST);
}
