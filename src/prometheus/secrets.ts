/** Shorter ones, such as `true`, would turn up in any text. */
const SHORTEST = 6;
/** Rotated ones stay known for a while, as a late error may name them. */
const MOST_KEPT = 50;

/** What was sent to a server to get in, so that no message says it again. */
export class Secrets {
  readonly #known = new Set<string>();

  constructor(values: readonly (string | undefined)[]) {
    for (const value of values) if (value !== undefined) this.add(value);
  }

  /** A value, and what it is made of: `Bearer TOKEN`, `user:password`. */
  add(value: string): void {
    const parts = [value, ...value.split(/\s+/), value.slice(value.indexOf(':') + 1)];
    for (const form of parts.flatMap((part) => [part, encodeURIComponent(part)])) {
      if (form.length < SHORTEST) continue;
      this.#known.delete(form);
      this.#known.add(form);
    }
    for (const oldest of this.#known) {
      if (this.#known.size <= MOST_KEPT) break;
      this.#known.delete(oldest);
    }
  }

  redact(text: string): string {
    let clean = text;
    for (const secret of this.#known) clean = clean.replaceAll(secret, '…');
    return clean;
  }
}
