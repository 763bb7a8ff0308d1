const DURATION = /^([1-9]\d{0,4})([smhd])$/;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `24h` → 86400 seconds. One whole number and one unit of s, m, h, d; throws on anything else. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text.trim());
  const [, count = '', unit = ''] = match ?? [];
  const seconds = UNIT_SECONDS[unit];
  if (seconds === undefined) {
    throw new Error(`"${text.slice(0, 40)}" is not a duration; write one such as 5m, 24h or 14d`);
  }
  return Number(count) * seconds;
}
