import { createHash } from 'node:crypto';

/** What the kept usage is of: another server, or another part of it, has other usage under the same names. */
export interface StateSource {
  /** Of Prometheus; credentials and what follows a `?` do not matter. */
  readonly url: string;
  /** Conditions on labels, as they are written; their order does not matter. */
  readonly matchers: readonly string[];
}

/** 32 bytes that differ when the source does. */
export function identityOf({ url, matchers }: StateSource): Uint8Array {
  const { protocol, host, pathname } = new URL(url);
  const place = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  const text = JSON.stringify([place, ...[...matchers].sort()]);
  return createHash('sha256').update(text).digest();
}
