import assert from 'node:assert/strict';
import { createFolds, HISTORIES } from '../../../src/prometheus/folds.ts';
import { SignalGathering } from '../../../src/prometheus/signalfold.ts';
import { unpackUsage } from '../../../src/recommend/unpacked.ts';

const HOUR = 3600;
const POD = { namespace: 'shop', name: 'report-1', workload: 'shop/CronJob/report' };

/** Restarts of pods that all appear in the hour after the first of the window. */
function restartsOf(isContinued: boolean, startedSeconds?: number): number | undefined {
  const folds = createFolds(HISTORIES, 60);
  const gathering = new SignalGathering();
  const pod = { ...POD, startedSeconds };
  gathering.points(pod, 'main', 'restartCounts').push({ timeSeconds: 101 * HOUR, value: 2 });
  folds
    .of(POD.workload, 'main')
    .ofPod(POD.name)
    .addCpu(100 * HOUR, 1);
  gathering.foldInto(folds, { startSeconds: 100 * HOUR, isContinued });
  const packed = folds.close(POD.workload).get('main') ?? assert.fail('nothing was folded');
  return unpackUsage(packed).days[0]?.signals.restarts;
}

describe('signals of pods that were all born within the window', () => {
  it('are not held against a first reading, since counting may have begun then', () => {
    assert.equal(restartsOf(false), 0);
  });

  it('count in full where what was before was read already', () => {
    assert.equal(restartsOf(true), 2);
  });

  it('do not where their pods are older, and were not scraped', () => {
    assert.equal(restartsOf(true, 90 * HOUR), 0);
    assert.equal(restartsOf(true, -Infinity), 0);
    assert.equal(restartsOf(true, 100 * HOUR), 2);
  });
});
