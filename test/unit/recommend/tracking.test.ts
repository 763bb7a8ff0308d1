import assert from 'node:assert/strict';
import { Tracking } from '../../../src/recommend/tracking.ts';

const START = 1_600_000_000 - (1_600_000_000 % 86_400);
const HOUR = 3600;
const SETTINGS = { risk: 0.02, confidence: 0.95 };

type Hour = readonly number[];

/** Samples around a level, the same in every hour. */
function around(level: number): Hour {
  return Array.from({ length: 12 }, (_, i) => level * (1 + 0.01 * (i % 5)));
}

/** Ten times as much use from 8 to 12 as else. */
function officeHour(i: number): Hour {
  const hour = i % 24;
  return around(hour >= 8 && hour < 12 ? 1 : 0.1);
}

function hours(count: number, use: (i: number) => Hour): Hour[] {
  return Array.from({ length: count }, (_, i) => use(i));
}

interface Walked {
  readonly tracking: Tracking;
  /** What was in force in each hour. */
  readonly requests: readonly (number | undefined)[];
}

function walk(past: readonly Hour[]): Walked {
  const tracking = new Tracking(SETTINGS);
  let request: number | undefined;
  const requests = past.map((cpu, i) => {
    const startSeconds = START + i * HOUR;
    request = tracking.decide(startSeconds, request)?.amount ?? request;
    tracking.observe({ startSeconds, cpu: Float64Array.from(cpu), request });
    return request;
  });
  return { tracking, requests };
}

describe('Tracking', () => {
  it('asks for more ahead of the hours of the day that need more, and for less after them', () => {
    const { requests } = walk(hours(14 * 24, officeHour));
    const at = (hour: number) => requests[13 * 24 + hour] ?? NaN;
    for (const hour of [8, 9, 10, 11]) assert.ok(at(hour) >= 1, `${hour}: ${at(hour)}`);
    for (const hour of [2, 3, 4, 18, 20]) assert.ok(at(hour) < 0.5, `${hour}: ${at(hour)}`);
  });

  it('goes on from the level of the last hours where nothing repeats', () => {
    // Use doubles each day for two weeks, at no hour more than at another.
    const { requests } = walk(hours(14 * 24, (i) => around(0.01 * 2 ** (i / 24))));
    const last = 0.01 * 2 ** (335 / 24);
    const request = requests.at(-1) ?? NaN;
    assert.ok(request > last && request < 3 * last, `${request} for ${last}`);
  });

  it('does not notice samples that are missing among others', () => {
    const holes = (hour: Hour) => hour.flatMap((cores) => [NaN, cores]);
    const past = hours(5 * 24, officeHour);
    assert.deepEqual(walk(past.map(holes)).requests, walk(past).requests);
  });

  it('does not notice hours without a sample', () => {
    const past = hours(5 * 24, officeHour);
    const { tracking } = walk(past);
    const end = START + past.length * HOUR;
    const before = tracking.decide(end, 0.001);
    const { tracking: other } = walk(past);
    const cpu = Float64Array.of(NaN, NaN);
    other.observe({ startSeconds: end, cpu, request: undefined });
    assert.deepEqual(other.decide(end, 0.001), before);
  });

  it('does not lower on what has become old', () => {
    const past = hours(10 * 24, () => around(0.1));
    const end = START + past.length * HOUR;
    assert.ok((walk(past).tracking.decide(end, 5)?.amount ?? NaN) < 1);
    assert.equal(walk(past).tracking.decide(end + 7 * 24 * HOUR, 5)?.amount, 5);
  });

  it('asks for something where nothing was used', () => {
    const amount = walk(hours(48, () => [0, 0, 0])).requests.at(-1) ?? NaN;
    assert.ok(amount > 0 && amount < 0.001, String(amount));
  });

  it('takes no more than 100 kB for a container', () => {
    const { tracking } = walk(hours(14 * 24, officeHour));
    // 22 histograms of a range of 1 to 10, 115 buckets of 8 bytes, at least.
    assert.ok(tracking.bytes > 22 * 115 * 8 && tracking.bytes < 100_000, String(tracking.bytes));
  });
});
