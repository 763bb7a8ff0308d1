import { z } from 'zod';

/** Unix seconds as the API writes times: `2027-01-15T00:00:00Z`, without fractions. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Unix seconds; undefined for what is not a time. */
export function parseTime(text: string): number | undefined {
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

const rfc3339 = z.iso.datetime({ offset: true });

/** Unix seconds of an RFC 3339 time with its zone, such as `2027-01-15T06:00:00Z`; undefined for anything else. */
export function parseRfc3339(text: string): number | undefined {
  return rfc3339.safeParse(text).success ? parseTime(text) : undefined;
}
