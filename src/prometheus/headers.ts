import type { AxiosResponse } from 'axios';

/** Of a header that came once; undefined without it. */
export function headerOf(response: AxiosResponse, name: string): string | undefined {
  const value: unknown = response.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Seconds to wait as `Retry-After` names them, as a number or as a date; undefined without a usable one. */
export function retryAfterHeader(
  response: AxiosResponse,
  nowMilliseconds: number,
): number | undefined {
  const header = headerOf(response, 'retry-after');
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - nowMilliseconds) / 1000);
}

/** The server's clock, in seconds, as of the `Date` of its answer. */
export function dateHeader(response: AxiosResponse): number | undefined {
  const date = Date.parse(headerOf(response, 'date') ?? '');
  return Number.isNaN(date) ? undefined : date / 1000;
}
