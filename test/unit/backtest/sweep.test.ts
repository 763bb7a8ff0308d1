import assert from 'node:assert/strict';
import { PEERS } from '../../../src/backtest/peers/catalogue.ts';
import type { Decisions } from '../../../src/backtest/peers/decisions.ts';
import { PEER_NAMES } from '../../../src/backtest/peers/peer.ts';
import {
  costAtPromise,
  sweepKnobs,
  sweepSeries,
  type SeriesSweep,
} from '../../../src/backtest/sweep.ts';
import { RESOURCES } from '../../../src/recommend/usage.ts';

const DAY = 288;

/** Two decisions, each at two knobs: 1 and 3, then 2 and 6. */
const decisions: Decisions = {
  peer: PEERS.krr,
  knobs: [
    { percentile: 0.5, margin: 1 },
    { percentile: 1, margin: 1 },
  ],
  schedule: { firstBin: DAY, everyBins: DAY },
  amounts: Float64Array.from([1, 3, 2, 6]),
};
const days = { periodBins: DAY, leastSamples: DAY / 2 };

function usage(...runs: readonly (readonly [number, number])[]): Float64Array {
  return Float64Array.from(runs.flatMap(([count, value]) => Array<number>(count).fill(value)));
}

function close(actual: number | undefined, wanted: number): void {
  assert.ok(Math.abs((actual ?? NaN) - wanted) < 1e-9, `${actual} is not ${wanted}`);
}

describe('sweep of a series', () => {
  it('scores each knob over the bins from the first decision on', () => {
    // Day 1: a quarter at 2, the rest at 1; day 2: half at 4, half at 2.
    const values = usage([DAY, 50], [72, 2], [216, 1], [144, 4], [144, 2]);
    const sweep = sweepSeries(values, decisions, days);
    // 72 bins above 1, none above 3; 144 above 2, none above 6.
    assert.deepEqual([...(sweep?.ex ?? [])], [(72 + 144) / 576, 0]);
    assert.deepEqual([...(sweep?.breach ?? [])], [1, 0]);
    // Mean use (0.25 * 2 + 0.75 + 3) / 2 = 2.125; mean request 1.5 and 4.5.
    close(sweep?.logCost[0], Math.log(1.5 / 2.125));
    close(sweep?.logCost[1], Math.log(4.5 / 2.125));
  });

  it('does not count use that just meets the request', () => {
    const sweep = sweepSeries(usage([DAY, NaN], [DAY, 1], [DAY, 2]), decisions, days);
    assert.deepEqual([...(sweep?.ex ?? [])], [0, 0]);
  });

  it('leaves missing bins out of time, cost and days', () => {
    // Day 2 has fewer than half its samples: its breach is not a breached day, its time counts.
    const values = usage([DAY, 1], [DAY, 1], [200, NaN], [88, 4]);
    const sweep = sweepSeries(values, decisions, days);
    assert.deepEqual([...(sweep?.ex ?? [])], [88 / 376, 0]);
    assert.deepEqual([...(sweep?.breach ?? [])], [0, 0]);
    close(sweep?.logCost[1], Math.log((288 * 3 + 88 * 6) / (288 + 88 * 4)));
  });

  it('counts thin days when there are no others', () => {
    const sweep = sweepSeries(usage([DAY, 1], [50, 2]), decisions, days);
    assert.deepEqual([...(sweep?.breach ?? [])], [1, 0]);
  });

  it('counts a cost of at least a half', () => {
    const sweep = sweepSeries(usage([DAY, 1], [DAY, 100]), decisions, days);
    close(sweep?.logCost[0], Math.log(0.5));
  });

  it('is undefined without use or before the rule has spoken', () => {
    assert.equal(sweepSeries(usage([DAY, 1], [DAY, 0]), decisions, days), undefined);
    assert.equal(sweepSeries(usage([DAY, 1], [DAY, NaN]), decisions, days), undefined);
    const silent = { ...decisions, amounts: Float64Array.from([NaN, NaN, 2, 6]) };
    assert.equal(sweepSeries(usage([2 * DAY, 1], [DAY, 1]), silent, days), undefined);
  });
});

describe('knobs of a peer', () => {
  it('ascend and hold the shipped one', () => {
    for (const name of PEER_NAMES) {
      for (const resource of RESOURCES) {
        const knobs = sweepKnobs(PEERS[name], resource);
        const { shipped } = PEERS[name];
        assert.ok(
          knobs.some((knob) => JSON.stringify(knob) === JSON.stringify(shipped[resource])),
          `${name} ${resource}`,
        );
        knobs.slice(1).forEach((knob, i) => {
          const before = knobs[i] ?? knob;
          assert.ok(knob.percentile >= before.percentile && knob.margin >= before.margin);
        });
      }
    }
  });
});

/** Ten series that cost the same; at knob k the share kept[k] of them is never above its request, the rest always. */
function fleet(kept: readonly number[], costs: readonly number[]): readonly SeriesSweep[] {
  return Array.from({ length: 10 }, (_, i) => ({
    ex: Float64Array.from(kept, (share) => Number(i >= share * 10)),
    breach: Float64Array.from(kept, (share) => Number(i >= share * 10)),
    logCost: Float64Array.from(costs, Math.log),
  }));
}

describe('cost at a promise', () => {
  it('interpolates the cheapest points in the logarithm of the cost', () => {
    // The third knob keeps less than the second and costs more: it is not on the frontier.
    const sweeps = fleet([0.5, 0.9, 0.8, 1], [1, 2, 3, 4]);
    const at = (target: number) => costAtPromise(sweeps, { kind: 'keep', risk: 0.02, target });
    close(at(0.7).cost, 2 ** 0.5);
    close(at(0.9).cost, 2);
    close(at(0.95).cost, 8 ** 0.5);
    close(at(0.4).cost, 1);
    assert.equal(at(1).reached, true);
  });

  it('gives the best point when no knob gets there', () => {
    const sweeps = fleet([0.5, 0.9], [1, 2]);
    const found = costAtPromise(sweeps, { kind: 'keep', risk: 0.02, target: 0.95 });
    assert.deepEqual(found.reached, false);
    close(found.cost, 2);
  });

  it('takes rates on a logarithmic scale', () => {
    // Half and a tenth of the series are above: -ln(0.50001) and -ln(0.10001) stand at costs 1 and 2.
    const sweeps = fleet([0.5, 0.9], [1, 2]);
    const share = Math.log(0.50001 / 0.20001) / Math.log(0.50001 / 0.10001);
    for (const kind of ['ex', 'breach'] as const) {
      close(costAtPromise(sweeps, { kind, target: 0.2 }).cost, 2 ** share);
      assert.equal(costAtPromise(sweeps, { kind, target: 0.05 }).reached, false);
    }
  });

  it('counts a series that meets the risk exactly as kept', () => {
    const just = [
      { ex: Float64Array.of(0.1 + 0.2), breach: Float64Array.of(0), logCost: Float64Array.of(0) },
    ];
    assert.equal(costAtPromise(just, { kind: 'keep', risk: 0.3, target: 1 }).reached, true);
  });

  it('has no cost without a series', () => {
    assert.deepEqual(costAtPromise([], { kind: 'ex', target: 0.02 }), {
      cost: NaN,
      reached: false,
    });
  });
});
