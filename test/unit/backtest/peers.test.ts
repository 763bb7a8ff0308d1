import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PEERS } from '../../../src/backtest/peers/catalogue.ts';
import { currentRows } from '../../../src/backtest/peers/current.ts';
import { peerRows, type Schedule } from '../../../src/backtest/peers/decisions.ts';
import { PEER_NAMES, type Knob, type PeerName } from '../../../src/backtest/peers/peer.ts';
import { SortedWindow, type Usage } from '../../../src/backtest/peers/window.ts';
import type { Row } from '../../../src/backtest/walk.ts';
import type { Resource } from '../../../src/recommend/usage.ts';

const DAY = 288;
const HALF_DAY = 144;
const MIB = 2 ** 20;

/** Runs of the same value: [how many bins, value]. */
function values(...runs: readonly (readonly [number, number])[]): Float64Array {
  return Float64Array.from(runs.flatMap(([count, value]) => Array<number>(count).fill(value)));
}

function usage(of: Float64Array, more: Partial<Usage> = {}): Usage {
  return { values: of, startSeconds: 0, unit: 1, ...more };
}

/** What a peer asks for after having seen all of the usage. */
function said(peer: PeerName, resource: Resource, seen: Usage, knob?: Knob): number {
  const longer = { ...seen, values: Float64Array.from([...seen.values, NaN]) };
  const schedule = { firstBin: seen.values.length, everyBins: DAY };
  const rows = peerRows(PEERS[peer], longer, resource, { ...schedule, ...(knob && { knob }) });
  return rows[0]?.amount ?? NaN;
}

function close(actual: number, wanted: number): void {
  assert.ok(Math.abs(actual - wanted) <= 1e-9 * Math.abs(wanted), `${actual} is not ${wanted}`);
}

describe('peers', () => {
  describe('krr', () => {
    it('asks for the linear 95th percentile of CPU', () => {
      // Ranks 0 to 10: p95 is rank 9.5, half way from 10 to 11.
      close(
        said('krr', 'cpu', usage(Float64Array.from([11, 2, 9, 4, 7, 6, 5, 8, 3, 10, 1]))),
        10.5,
      );
    });

    it('asks for the highest memory of 14 days plus 15 %', () => {
      close(said('krr', 'memory', usage(values([1, 400], [14 * DAY - 1, 100]))), 460);
      close(said('krr', 'memory', usage(values([1, 400], [14 * DAY, 100]))), 115);
    });
  });

  describe('vpa', () => {
    // 1 core lies in bucket 36, since 0.2 * (1.05 ** 36 - 1) = 0.958; it ends where bucket 37 starts, at 1.016.
    const oneCore = 0.2 * (1.05 ** 37 - 1);
    // 4 cores lie in bucket 62 (3.918 to 4.124).
    const fourCores = 0.2 * (1.05 ** 63 - 1);

    it('rounds CPU up to the end of its bucket and adds 15 %', () => {
      close(said('vpa', 'cpu', usage(values([DAY, 1]))), oneCore * 1.15);
    });

    it('takes the buckets in cores when the trace gives the share of a machine', () => {
      close(said('vpa', 'cpu', usage(values([DAY, 0.25]), { unit: 4 })), (oneCore / 4) * 1.15);
    });

    it('forgets a day of high CPU once its weight is under a tenth', () => {
      // Weights of whole days, newest first: 1, 1/2, 1/4, 1/8, ... A day at 4 cores of age k has 2^-k of their sum.
      // Age 3 of 4 days: (1/8) / (15/8) = 6.7 %; age 2 of 3 days: (1/4) / (7/4) = 14 %.
      close(said('vpa', 'cpu', usage(values([DAY, 4], [3 * DAY, 1]))), oneCore * 1.15);
      close(said('vpa', 'cpu', usage(values([DAY, 4], [2 * DAY, 1]))), fourCores * 1.15);
    });

    it('counts one memory peak a day and forgets it after 3 days', () => {
      // 100 MB is in bucket 8, which ends at 2e8 * (1.05 ** 9 - 1) = 110 MB; 200 MB in 14, to 2e8 * (1.05 ** 15 - 1).
      const low = 2e8 * (1.05 ** 9 - 1) * 1.15;
      const high = 2e8 * (1.05 ** 15 - 1) * 1.15;
      const peak = [[1, 2e8]] as const;
      close(said('vpa', 'memory', usage(values(...peak, [4 * DAY - 1, 1e8]))), low);
      close(said('vpa', 'memory', usage(values(...peak, [3 * DAY - 1, 1e8]))), high);
    });

    it('passes over a day without memory samples', () => {
      // Peaks at age 0 (100 MB) and age 3 (200 MB): 1/8 of 9/8 is 11 % of the weight.
      const gap = values([1, 2e8], [DAY - 1, NaN], [2 * DAY, NaN], [DAY, 1e8]);
      close(said('vpa', 'memory', usage(gap)), 2e8 * (1.05 ** 15 - 1) * 1.15);
    });
  });

  describe('autopilot', () => {
    it('weighs samples by their load', () => {
      // Of half a day 4 % is at 10: at most 5 % of the time, but 10 * 6 / (10 * 6 + 138) = 30 % of the work.
      close(said('autopilot', 'cpu', usage(values([138, 1], [6, 10]))), 10 * 1.12);
    });

    it('halves the weight of CPU in 12 hours and that of memory in 48', () => {
      // Half a day at 2, then n half days at 1: its work is 2 * 2^-n of 2 * 2^-n + 2 - 2^(1-n) = 2.
      // n = 4: 6.25 % of the work, over 5 %; n = 5: 3.1 %.
      close(said('autopilot', 'cpu', usage(values([HALF_DAY, 2], [4 * HALF_DAY, 1]))), 2 * 1.12);
      close(said('autopilot', 'cpu', usage(values([HALF_DAY, 2], [5 * HALF_DAY, 1]))), 1.12);
      // In steps of two days the same: n = 5 leaves 3.1 %, over the 2 % of memory; n = 6 leaves 1.6 %.
      close(said('autopilot', 'memory', usage(values([2 * DAY, 2], [10 * DAY, 1]))), 2 * 1.12);
      close(said('autopilot', 'memory', usage(values([2 * DAY, 2], [12 * DAY, 1]))), 1.12);
    });

    it('asks for nothing when nothing is used', () => {
      assert.equal(said('autopilot', 'cpu', usage(values([DAY, 0]))), 0);
    });
  });

  describe('crane', () => {
    it('rounds up to the end of a tenth of a core and of 100 MiB', () => {
      close(said('crane', 'cpu', usage(values([DAY, 1]))), 1.1 * 1.15);
      close(said('crane', 'cpu', usage(values([DAY, 0.26]), { unit: 4 })), (1.1 / 4) * 1.15);
      close(said('crane', 'memory', usage(values([DAY, 150 * MIB]))), 200 * MIB * 1.15);
      close(said('crane', 'memory', usage(values([DAY, 100 * MIB]))), 200 * MIB * 1.15);
    });

    it('weighs by load without decay, over 7 days', () => {
      // 11 bins at 2 of 2016: 22 of 2027 is 1.09 % of the work; 10 bins: 20 of 2026 is 0.99 %.
      close(said('crane', 'cpu', usage(values([11, 2], [7 * DAY - 11, 1]))), 2.1 * 1.15);
      close(said('crane', 'cpu', usage(values([10, 2], [7 * DAY - 10, 1]))), 1.1 * 1.15);
      close(said('crane', 'cpu', usage(values([11, 2], [7 * DAY, 1]))), 1.1 * 1.15);
    });
  });

  describe('attune', () => {
    // An hour of the day has 84 samples in 7 days; p95 is rank 78.85. With 5 of them at 2 the ranks from 79 on are 2,
    // so p95 = 1.85; with 4 of them rank 79 is still 1.
    const fiveHigh = values([6 * DAY, 1], [9, 1], [5, 2], [DAY - 14, 1]);

    it('asks for the percentile of the worst hour of the day plus 20 %', () => {
      close(said('attune', 'cpu', usage(fiveHigh, { startSeconds: 900 })), 1.85 * 1.2);
    });

    it('takes the hours of UTC, not of the series', () => {
      // From 00:00 on the high bins 9 to 13 are three in the first hour and two in the second.
      close(said('attune', 'cpu', usage(fiveHigh)), 1.2);
    });

    it('asks for the 99th percentile of 7 days of memory plus 30 %', () => {
      // 101 samples: p99 is rank 99, the second highest.
      close(said('attune', 'memory', usage(values([99, 1], [1, 2], [1, 3]))), 2 * 1.3);
    });
  });

  describe('max', () => {
    it('asks for the highest of 14 days as it is', () => {
      close(said('max', 'cpu', usage(values([1, 3], [14 * DAY - 1, 1]))), 3);
      close(said('max', 'memory', usage(values([1, 3], [14 * DAY, 1]))), 1);
    });
  });

  describe('current', () => {
    it('holds a known request over the whole span, and says nothing without one', () => {
      assert.deepEqual(currentRows(2, { firstBin: 10, length: 30 }), [
        { fromBin: 10, toBin: 30, amount: 2 },
      ]);
      assert.deepEqual(currentRows(undefined, { firstBin: 10, length: 30 }), []);
    });
  });

  it('turns a knob in place of what is shipped', () => {
    // The median of 1 to 11 is 6; plus a tenth.
    const eleven = usage(Float64Array.from([11, 2, 9, 4, 7, 6, 5, 8, 3, 10, 1]));
    close(said('krr', 'cpu', eleven, { percentile: 0.5, margin: 1.1 }), 6.6);
  });
});

describe('walk of a peer', () => {
  it('sees only the bins before each decision', () => {
    const seen = usage(values([DAY + 5, 1], [1, 2], [DAY - 6, 1]));
    const hourly = peerRows(PEERS.max, seen, 'cpu', { firstBin: DAY, everyBins: 12 });
    // The high bin 293 is known at the decision at 300, not at the one at 288.
    assert.deepEqual(hourly, [
      { fromBin: DAY, toBin: DAY + 12, amount: 1 },
      { fromBin: DAY + 12, toBin: 2 * DAY, amount: 2 },
    ]);
  });

  it('says the same up to a day whatever comes after it', () => {
    const past = values([3 * DAY, 1], [DAY, 2], [DAY, 3]);
    for (const name of PEER_NAMES) {
      for (const everyBins of [DAY, 12]) {
        const upToThen = (future: number): readonly number[] => {
          const seen = usage(Float64Array.from([...past, ...values([DAY, future])]));
          return perBin(peerRows(PEERS[name], seen, 'cpu', { firstBin: DAY, everyBins })).slice(
            0,
            4 * DAY + 12,
          );
        };
        assert.deepEqual(upToThen(9), upToThen(0.1), `${name} every ${everyBins} bins`);
      }
    }
  });

  it('stays at what was said last through a hole', () => {
    const hole = usage(values([DAY, 1], [20 * DAY, NaN], [DAY, 5]));
    const rows = peerRows(PEERS.krr, hole, 'cpu', { firstBin: DAY, everyBins: DAY });
    assert.deepEqual(rows, [{ fromBin: DAY, toBin: 22 * DAY, amount: 1 }]);
  });

  it('has no row before the first sample', () => {
    const late = usage(values([2 * DAY, NaN], [2 * DAY, 1]));
    const rows = peerRows(PEERS.krr, late, 'cpu', { firstBin: DAY, everyBins: DAY });
    assert.deepEqual(rows, [{ fromBin: 3 * DAY, toBin: 4 * DAY, amount: 1 }]);
  });

  it('scales with the usage where the rule has no buckets', () => {
    const some = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 30, maxLength: 60 });
    const schedule: Schedule = { firstBin: 10, everyBins: 5, windowBins: 20 };
    const scaleFree: readonly PeerName[] = ['krr', 'max', 'autopilot', 'attune'];
    fc.assert(
      fc.property(some, fc.constantFrom(...scaleFree), (amounts, name) => {
        const rows = (factor: number): readonly number[] =>
          peerRows(
            PEERS[name],
            usage(Float64Array.from(amounts, (amount) => amount * factor)),
            'cpu',
            schedule,
          ).map(({ amount }) => amount / factor);
        assert.deepEqual(rows(8), rows(1));
      }),
    );
  });
});

describe('sorted window', () => {
  it('holds the samples of the last bins in order of value, however it is moved', () => {
    const sample = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(NaN));
    const steps = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 80 }), steps, (samples, moves) => {
        const window = new SortedWindow(usage(Float64Array.from(samples)), 20);
        let now = 0;
        for (const move of moves) {
          now += move;
          window.moveTo(now);
          assert.deepEqual(sorted(window.all()), expected(samples, now - 20, now));
          assert.deepEqual(sorted(window.last(7)), expected(samples, now - 7, now));
        }
      }),
    );
  });
});

/** The request on each bin. */
function perBin(rows: readonly Row[]): readonly number[] {
  return rows.flatMap(({ fromBin, toBin, amount }) => Array<number>(toBin - fromBin).fill(amount));
}

function sorted({ count, values: all }: { count: number; values: Float64Array }): number[] {
  return [...all.subarray(0, count)];
}

function expected(samples: readonly number[], from: number, to: number): number[] {
  return samples
    .slice(Math.max(0, from), to)
    .filter((sample) => Number.isFinite(sample))
    .sort((a, b) => a - b);
}
