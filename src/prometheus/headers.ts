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

/**
 * By how many seconds the server's clock is ahead of ours, negative where it is behind, as of the `Date` of an answer
 * that began between two times of ours; undefined where it does not say.
 */
export function secondsAhead(
  response: AxiosResponse,
  began: { readonly afterMs: number; readonly beforeMs: number },
): number | undefined {
  const date = Date.parse(headerOf(response, 'date') ?? '');
  if (Number.isNaN(date)) return undefined;
  return (date - Math.min(Math.max(date, began.afterMs), began.beforeMs)) / 1000;
}
