import type { Resource } from './usage.ts';

const MEBIBYTE = 2 ** 20;

/** Steps that keep a value readable and cost at most 5 %, or one smallest step: below `under` values are multiples of `step`. */
const STEPS: Readonly<Record<Resource, readonly { under: number; step: number }[]>> = {
  cpu: [
    { under: 0.1, step: 0.001 },
    { under: 0.25, step: 0.005 },
    { under: 1, step: 0.01 },
    { under: 4, step: 0.05 },
    { under: Infinity, step: 0.1 },
  ],
  memory: [
    { under: 128 * MEBIBYTE, step: MEBIBYTE },
    { under: 512 * MEBIBYTE, step: 4 * MEBIBYTE },
    { under: 2048 * MEBIBYTE, step: 16 * MEBIBYTE },
    { under: 8192 * MEBIBYTE, step: 64 * MEBIBYTE },
    { under: Infinity, step: 256 * MEBIBYTE },
  ],
};

/**
 * The next readable value at or above (`up`) or at or below (`down`) an amount of cores or bytes; never less than one
 * step, since a request of zero is none.
 */
export function roundReadable(
  resource: Resource,
  amount: number,
  direction: 'up' | 'down' = 'up',
): number {
  const step = STEPS[resource].find(({ under }) => amount < under)?.step ?? 1;
  // 0.3 / 0.005 is 59.99999999999999: what is a multiple within float error stays where it is.
  const steps = Number((amount / step).toPrecision(12));
  const whole = Math.max(1, direction === 'up' ? Math.ceil(steps) : Math.floor(steps));
  // 15 digits are whole bytes up to 900 TiB.
  return Number((whole * step).toPrecision(15));
}
