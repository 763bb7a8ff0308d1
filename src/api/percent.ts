const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** `2%` → 0.02. Throws on anything that is not a percentage of at most three decimals. */
export function parsePercent(text: string): number {
  const digits = PERCENT.exec(text.trim())?.[1];
  if (digits === undefined) {
    throw new Error(`"${text.slice(0, 40)}" is not a percentage; write one such as 2% or 0.5%`);
  }
  // As one literal: 0.7 / 100 is 0.006999999999999999.
  return Number(`${digits}e-2`);
}

/** 0.0071 → `0.7%`; below one percent two digits that matter, and never `0%` for something above zero. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0%';
  if (percent < 0.01) return '<0.01%';
  const decimals = percent >= 10 ? 0 : percent >= 0.1 ? 1 : 2;
  return `${Number(percent.toFixed(decimals))}%`;
}
