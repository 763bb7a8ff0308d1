import { readableCpu, readableMemory } from '../../api/quantity.ts';
import type { Resource } from '../../recommend/usage.ts';

/** Two digits under 10 %, so that 0.93 % and 2 % stand apart; never `0%` for something above zero. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.01) return '<0.01%';
  const decimals = Math.abs(value) < 10 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
  return `${Number(value.toFixed(decimals))}%`;
}

/** The distance of two shares: `1.2 points`. */
export function points(difference: number): string {
  const text = String(Number((Math.abs(difference) * 100).toFixed(2)));
  return `${text === '0' ? '<0.01' : text} ${text === '1' ? 'point' : 'points'}`;
}

/** Request over use. */
export function times(ratio: number): string {
  return Number.isFinite(ratio) ? ratio.toFixed(2) : '–';
}

/** Thousands apart: 5 712. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202F');
}

export function amount(resource: Resource, value: number): string {
  return resource === 'cpu' ? readableCpu(value) : readableMemory(value);
}

/** The sum of many: whole cores from 10 on. */
export function total(resource: Resource, value: number): string {
  if (resource === 'memory') return readableMemory(value);
  return value < 10 ? readableCpu(value) : `${count(Math.round(value))} cores`;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** The day in UTC: `3 Jul`. */
export function day(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
}

/** The words in which a resource is spoken of. */
export interface ResourceWords {
  readonly name: string;
  /** Follows "2% ". */
  readonly promise: string;
  /** Of what the rate is a share. */
  readonly rate: string;
}

const WORDS: Readonly<Record<Resource, ResourceWords>> = {
  cpu: {
    name: 'CPU',
    promise: 'of the time above the request',
    rate: 'time above',
  },
  memory: {
    name: 'Memory',
    promise: 'of the days with a peak above the limit',
    rate: 'days above',
  },
};

export function wordsOf(resource: Resource): ResourceWords {
  return WORDS[resource];
}
