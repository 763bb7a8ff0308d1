/** Shorter ones, such as `true`, would turn up within any word: they are taken out as whole words only. */
const SHORTEST_PART = 6;
/** Rotated ones stay known for a while, as a late error may name them. */
const MOST_KEPT = 50;

/** What was sent to a server to get in, so that no message says it again. */
export class Secrets {
  /** Of the flags: for as long as the process runs. */
  readonly #lasting: ReadonlySet<string>;
  /** Of files that change, by value, the latest last. */
  readonly #renewed = new Map<string, readonly string[]>();

  /** Those that are `likely` may be no secrets, such as the name of a tenant: short ones are left in texts. */
  constructor({ certain = [], likely = [] }: Partial<Record<'certain' | 'likely', Values>>) {
    this.#lasting = new Set([
      ...certain.flatMap(formsOf),
      ...likely.flatMap(formsOf).filter((form) => form.length >= SHORTEST_PART),
    ]);
  }

  add(value: string): void {
    const forms = this.#renewed.get(value) ?? formsOf(value);
    this.#renewed.delete(value);
    this.#renewed.set(value, forms);
    for (const oldest of this.#renewed.keys()) {
      if (this.#renewed.size <= MOST_KEPT) break;
      this.#renewed.delete(oldest);
    }
  }

  redact(text: string): string {
    const forms = new Set([...this.#lasting, ...[...this.#renewed.values()].flat()]);
    // A secret may be a part of another, of which a rest would stay.
    const longestFirst = [...forms].sort((a, b) => b.length - a.length);
    return longestFirst.reduce(without, text);
  }
}

type Values = readonly string[];

function without(text: string, secret: string): string {
  if (secret.length >= SHORTEST_PART) return text.replaceAll(secret, '…');
  return text.replace(wholeWord(secret), '…');
}

function wholeWord(word: string): RegExp {
  const literal = word.replace(/[\\^$.|?*+()[\]{}/]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\p{L}\p{N}_])${literal}(?![\p{L}\p{N}_])`, 'gu');
}

/** A value and what it is made of, each as it may be written in an address, a form or JSON. */
function formsOf(value: string): readonly string[] {
  return secretsIn(value)
    .flatMap((part) => [
      part,
      encodeURIComponent(part),
      new URLSearchParams([['', part]]).toString().slice(1),
      JSON.stringify(part).slice(1, -1),
    ])
    .filter((form) => form !== '');
}

/** What a server may read out of a value: a token, a user and a password, words. */
function secretsIn(value: string): readonly string[] {
  const [, scheme, sent = ''] = /^(basic|bearer)\s+(.+)$/is.exec(value) ?? [];
  if (scheme === undefined) return [value, ...longPartsOf(value)];
  if (scheme.toLowerCase() === 'bearer') return [value, sent, ...longPartsOf(sent)];
  return [value, sent.replace(/=+$/, ''), ...secretsOfPair(Buffer.from(sent, 'base64').toString())];
}

function longPartsOf(value: string): readonly string[] {
  const parts = [...value.split(/\s+/), value.slice(value.indexOf(':') + 1)];
  return parts.filter((part) => part.length >= SHORTEST_PART);
}

function secretsOfPair(pair: string): readonly string[] {
  const colon = pair.indexOf(':');
  const password = pair.slice(colon + 1);
  // Without a password the user is what opens.
  return password === '' ? [pair.slice(0, colon)] : [pair, password];
}
