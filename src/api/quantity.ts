/**
 * Kubernetes quantities to numbers and back. Grammar and suffixes are those of
 * k8s.io/apimachinery/pkg/api/resource; a number that JSON carries as such (`cpu: 2`) is read like its text.
 */
const QUANTITY =
  /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(n|u|m|k|Ki|Mi|Gi|Ti|Pi|Ei|M|G|T|P|E|[eE][+-]?\d+)?$/;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

const BINARY_UNITS: Readonly<Record<string, number>> = {
  Ei: 2 ** 60,
  Pi: 2 ** 50,
  Ti: 2 ** 40,
  Gi: 2 ** 30,
  Mi: 2 ** 20,
  Ki: 2 ** 10,
};

/** From the largest to the smallest. */
const LISTED_BINARY_UNITS = Object.entries(BINARY_UNITS);

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

function parse(quantity: string | number): number {
  const text = String(quantity).trim();
  const match = QUANTITY.exec(text);
  if (match === null) {
    throw new QuantityError(
      `"${text.slice(0, 40)}" is not a quantity; write one such as 250m or 2 for CPU, 512Mi or 4Gi for memory`,
    );
  }
  const [, digits = '', suffix = ''] = match;
  // Read as one literal, so that 4.35k is 4350 and not 4349.999999999999.
  const exponent = DECIMAL_EXPONENTS[suffix] ?? /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  if (exponent !== undefined) return Number(`${digits}e${exponent}`);
  return Number(digits) * (BINARY_UNITS[suffix] ?? 1);
}

/** `250m` → 0.25 cores. Throws QuantityError on anything that is not a quantity, or is negative. */
export function parseCpu(quantity: string | number): number {
  return notNegative(quantity, parse(quantity));
}

/** `512Mi` → 536870912 bytes; fractions of a byte are rounded up, as Kubernetes does. Throws like parseCpu. */
export function parseMemory(quantity: string | number): number {
  return Math.ceil(notNegative(quantity, parse(quantity)));
}

function notNegative(quantity: string | number, value: number): number {
  if (value >= 0) return value;
  throw new QuantityError(`"${quantity}" is negative; write a quantity of 0 or more`);
}

/** Cores as the shortest exact quantity of at least 1m: 0.25 → `250m`, 2 → `2`. Rounds up to the next millicore. */
export function formatCpu(cores: number): string {
  const millicores = Math.ceil(Number((cores * 1000).toFixed(6)));
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** Bytes as the shortest exact quantity: 536870912 → `512Mi`, 1000 → `1000`. Rounds up to a whole byte. */
export function formatMemory(bytes: number): string {
  const whole = Math.ceil(bytes);
  for (const [suffix, unit] of LISTED_BINARY_UNITS) {
    if (whole >= unit && whole % unit === 0) return `${whole / unit}${suffix}`;
  }
  return String(whole);
}

/** Bytes for a column: three digits that matter, 3328599654 → `3.1Gi`. Not exact; for people only. */
export function readableMemory(bytes: number): string {
  const sign = bytes < 0 ? '-' : '';
  const size = Math.abs(bytes);
  for (const [suffix, unit] of LISTED_BINARY_UNITS) {
    // As rounded in the next smaller unit: 1023.9Mi is 1Gi and not 1024Mi.
    if (Math.round((size / unit) * 1024) < 1024) continue;
    const value = size / unit;
    return `${sign}${Number(value.toFixed(value < 10 ? 1 : 0))}${suffix}`;
  }
  return `${sign}${Math.round(size)}`;
}

/** Cores for a column: millicores below one core, else two digits after the point. Not exact; for people only. */
export function readableCpu(cores: number): string {
  const millicores = Math.round(cores * 1000);
  if (Math.abs(millicores) < 1000) return cores === 0 ? '0' : `${millicores}m`;
  return String(Number(cores.toFixed(2)));
}
