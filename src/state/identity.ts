import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** What the kept usage is of: another server, or another part of it, has other usage under the same names. */
export interface StateSource {
  /** Of Prometheus. Its password does not matter; its user and what follows a `?` may pick a tenant. */
  readonly url: string;
  /** Conditions on labels, as they are written; their order does not matter. */
  readonly matchers: readonly string[];
  /** Sent with each query, such as `tenant=team`. */
  readonly parameters?: readonly (readonly [string, string])[] | undefined;
  /** Such as X-Scope-OrgID. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** File of the value by name of the header. */
  readonly headerFiles?: Readonly<Record<string, string>> | undefined;
  /** Of basic auth, where it is not in the URL. */
  readonly user?: string | undefined;
}

/** Credentials that are renewed all the time, and that say who asks, not what for. */
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** 32 bytes that differ when the source does. Rejects when the file of a header cannot be read. */
export async function identityOf(source: StateSource): Promise<Uint8Array> {
  const { protocol, host, pathname, username, searchParams } = new URL(source.url);
  const place = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  const user = source.user ?? decodeURIComponent(username);
  const parameters = [...searchParams, ...(source.parameters ?? [])];
  const parts = [
    place,
    user,
    source.matchers.toSorted(),
    sortedPairs(parameters),
    sortedPairs(await headersOf(source)),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

async function headersOf({
  headers = {},
  headerFiles = {},
}: StateSource): Promise<readonly (readonly [string, string])[]> {
  const all = Object.entries(headers);
  for (const [name, file] of Object.entries(headerFiles)) {
    if (!isCredential(name)) all.push([name, (await readFile(file, 'utf8')).trim()]);
  }
  return all
    .filter(([name]) => !isCredential(name))
    .map(([name, value]): readonly [string, string] => [name.toLowerCase(), value]);
}

function isCredential(header: string): boolean {
  return CREDENTIALS.has(header.toLowerCase());
}

function sortedPairs(pairs: readonly (readonly [string, string])[]): readonly string[] {
  return pairs.map((pair) => JSON.stringify(pair)).sort();
}
