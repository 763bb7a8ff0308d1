import assert from 'node:assert/strict';
import { cpuHours } from '../../../src/backtest/grid.ts';
import { behaviourOf, behaviourOfDays, type Behaviour } from '../../../src/recommend/behaviour.ts';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { DAY_SECONDS, type UsageDay } from '../../../src/recommend/usage.ts';
import { random } from '../../support/history-generator.ts';

const DAY = 288;
const BINS = 10 * DAY;

type Shape = (bin: number) => number;

const SHAPES: Readonly<Record<Behaviour, Shape>> = {
  Idle: (bin) => 0.03 + 0.01 * random(1, bin),
  Steady: (bin) => 1 + 0.1 * random(1, bin),
  Diurnal: (bin) => 1.5 + Math.sin((2 * Math.PI * bin) / DAY) + 0.1 * random(1, bin),
  // Two hours in a hundred at five times the level, without a rhythm of a day.
  Bursty: (bin) => (random(2, Math.floor(bin / 24)) < 0.04 ? 5 : 1) + 0.1 * random(1, bin),
  Batch: (bin) => (random(2, Math.floor(bin / 24)) < 0.2 ? 2 : 0.01),
};

/** Ten days of 5-minute samples; NaN is missing. */
function hours(shape: Shape): readonly Float64Array[] {
  return cpuHours({ cpu: Float64Array.from({ length: BINS }, (_, bin) => shape(bin)) });
}

function usageDays(shape: Shape, pods = 1): readonly UsageDay[] {
  const fold = new HistoryFold(300);
  for (let bin = 0; bin < BINS; bin++) {
    const cores = shape(bin);
    for (let pod = 0; pod < pods && !Number.isNaN(cores); pod++) {
      fold.addCpu(`pod-${pod}`, 100 * DAY_SECONDS + bin * 300, cores);
    }
  }
  return fold.history()?.days ?? [];
}

const ALWAYS = { runsToCompletion: false };

describe('behaviour of a container', () => {
  for (const [want, shape] of Object.entries(SHAPES)) {
    it(`is ${want} by its samples, by its days and by those of three replicas`, () => {
      assert.equal(behaviourOf(hours(shape)), want);
      assert.equal(behaviourOfDays(usageDays(shape), ALWAYS), want);
      assert.equal(behaviourOfDays(usageDays(shape, 3), ALWAYS), want);
    });
  }

  it('is seen through gaps', () => {
    const gaps: Shape = (bin) => (bin % 100 < 30 ? NaN : SHAPES.Diurnal(bin));
    assert.equal(behaviourOf(hours(gaps)), 'Diurnal');
    assert.equal(behaviourOfDays(usageDays(gaps), ALWAYS), 'Diurnal');
  });

  it('is seen through days that are missing whole', () => {
    const without = usageDays(SHAPES.Diurnal).filter((_, day) => day !== 3 && day !== 4);
    assert.equal(behaviourOfDays(without, ALWAYS), 'Diurnal');
  });

  it('is Idle or not by what the share of a machine is in cores', () => {
    assert.equal(behaviourOf(hours(SHAPES.Idle), 4), 'Steady');
  });

  it('has no daily rhythm before half of the fourth day', () => {
    assert.equal(behaviourOf(hours(SHAPES.Diurnal).slice(0, 84)), 'Diurnal');
    assert.equal(behaviourOf(hours(SHAPES.Diurnal).slice(0, 83)), 'Steady');
  });

  it('is Batch for what runs to completion, unless it is idle', () => {
    const runs = { runsToCompletion: true };
    assert.equal(behaviourOfDays(usageDays(SHAPES.Steady), runs), 'Batch');
    assert.equal(behaviourOfDays(usageDays(SHAPES.Idle), runs), 'Idle');
  });

  it('is not known without a sample', () => {
    const nothing = () => NaN;
    assert.equal(behaviourOf(hours(nothing)), undefined);
    assert.equal(behaviourOf([]), undefined);
    assert.equal(behaviourOfDays([], { runsToCompletion: true }), undefined);
  });
});
