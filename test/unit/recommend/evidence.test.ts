import assert from 'node:assert/strict';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { recommend } from '../../../src/recommend/recommend.ts';
import { aContainer, days, NOW } from '../../support/builders.ts';

const DAY = 86_400;

/** Ten minutes of 0.2 cores and 100 MiB each day for two weeks; the last run ended 12 hours ago. */
function nightlyRuns() {
  const fold = new HistoryFold(300);
  for (let day = 13; day >= 0; day--) {
    const start = Math.floor((NOW - day * DAY - 12 * 3600) / 300) * 300;
    for (const time of [start, start + 300]) {
      fold.addCpu(`run-${day}`, time, 0.2);
      fold.addMemory(`run-${day}`, time, 100 * 2 ** 20);
    }
  }
  return fold.history();
}

function sized(runsToCompletion: boolean) {
  const container = { ...aContainer().requesting({ cpu: 1 }).input, history: nightlyRuns() };
  const [result] = recommend({
    containers: [{ ...container, runsToCompletion }],
    autoscaled: [],
    ...ALONE,
    limitRanges: [],
    largestNode: undefined,
    nowSeconds: NOW,
  });
  return result;
}

describe('a container that runs for ten minutes a night', () => {
  it('is lowered when it runs to completion', () => {
    const result = sized(true);
    assert.equal(result?.resources.cpu.decision.hold, undefined);
    // 0.2 × 1.06, within a bucket of 2 % and up to a twentieth more that is not lowered, in steps of 5m.
    assert.ok((result?.target?.requests.cpu ?? 1) <= 0.235);
    assert.equal(result?.evidence.days, 14);
  });

  it('is held when it ought to run all the time', () => {
    assert.equal(sized(false)?.resources.cpu.decision.hold, 'HistoryTooShort');
    assert.equal(sized(false)?.target?.requests.cpu, 1);
  });
});

describe('a container without any usage that asks for more than the largest node has', () => {
  it('keeps its request', () => {
    const { input } = aContainer().requesting({ cpu: 2, memory: 2 ** 30 });
    const [result] = recommend({
      containers: [{ ...input, history: undefined }],
      autoscaled: [],
      ...ALONE,
      limitRanges: [],
      largestNode: { cpu: 1.5, memory: 2 ** 30 },
      nowSeconds: NOW,
    });
    assert.deepEqual(result?.target?.requests, { cpu: 2, memory: 2 ** 30 });
  });
});

describe('what is realised', () => {
  const sizedWithin = (max: number) => {
    const { input } = aContainer()
      .with(days(14, { cpu: [0.2, 0.5, 0.9] }))
      .under({ cpu: { bounds: { min: undefined, max } } });
    const [result] = recommend({
      containers: [input],
      autoscaled: [],
      ...ALONE,
      limitRanges: [],
      largestNode: undefined,
      nowSeconds: NOW,
    });
    return result;
  };

  it('is that of the size as a bound leaves it', () => {
    const result = sizedWithin(0.3);
    assert.equal(result?.target?.requests.cpu, 0.3);
    // Of each day's three samples two are above 0.3.
    assert.equal(result.resources.cpu.realised?.share, 2 / 3);
  });

  it('is that of the rule where no bound takes anything', () => {
    assert.equal(sizedWithin(8)?.resources.cpu.realised?.share, 0);
  });
});

describe('a bound', () => {
  it('leaves alone what an autoscaler goes by', () => {
    const { input } = aContainer()
      .requesting({ cpu: 2 })
      .under({ cpu: { bounds: { min: undefined, max: 0.5 } } });
    const [result] = recommend({
      containers: [input],
      autoscaled: ['cpu'],
      ...ALONE,
      limitRanges: [],
      largestNode: undefined,
      nowSeconds: NOW,
    });
    assert.equal(result?.target?.requests.cpu, 2);
  });
});
