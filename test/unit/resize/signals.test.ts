import assert from 'node:assert/strict';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import type { ContainerState } from '../../../src/resize/pod.ts';
import { planPods } from '../../../src/resize/plan.ts';
import { recordsOf } from '../../../src/resize/record.ts';
import { rescueSignals } from '../../../src/resize/signals.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  carriedOut,
  MI,
  NOW,
  sized,
  used,
} from './builders.ts';

const SIZES = sized(1, 100, [2, 200]);

function causes(changed: Partial<ContainerState>, records: readonly ChangeRecord[] = []) {
  return rescueSignals(aContainer(SIZES, changed), records, NOW).map(({ cause }) => cause);
}

describe('rescue signals', () => {
  it('is quiet while all is well', () => {
    assert.deepEqual(causes({}), []);
    assert.deepEqual(causes({ usage: undefined }), []);
  });

  it('hears of an OOM kill within the hour', () => {
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 3600 }), ['OOMKilled']);
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 3601 }), []);
  });

  it('hears of an OOM kill that a clock ahead of ours tells of', () => {
    assert.deepEqual(causes({ oomKilledSeconds: NOW + 30 }), ['OOMKilled']);
  });

  it('takes an OOM kill for answered by the change that came after it', () => {
    const raised = aRecord(sized(1, 100, [2, 100]), SIZES, { atSeconds: NOW - 60 });
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 60 }, [raised]), []);
    // The kubelet may not have carried it out yet.
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 50 }, [raised]), []);
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 49 }, [raised]), ['OOMKilled']);
  });

  it('answers one kill once, also where the clock of the node is ahead', () => {
    const killed = { oomKilledSeconds: NOW + 120 };
    const pod = aPod(aContainer(sized(1, 100, [2, 200]), killed));
    const { patches } = planPods(aPlanInput([pod], [aTarget(sized(1, 100, [2, 200]))]));
    const changes = { changes: patches, method: 'Resize' } as const;
    const at = { pods: [pod], nowSeconds: NOW, observeSeconds: 600 };
    const records = recordsOf({ ...changes, ...at });
    const [after] = carriedOut([pod], { patches })[0]?.containers ?? [];
    assert.ok(after);
    assert.deepEqual(rescueSignals(after, records, NOW + 15), []);
    const again = { ...after, oomKilledSeconds: NOW + 160 };
    assert.equal(rescueSignals(again, records, NOW + 45).length, 1);
  });

  it('does not take a change of other pods for an answer', () => {
    const others = aRecord(SIZES, sized(1, 100, [2, 400]));
    assert.deepEqual(causes({ oomKilledSeconds: NOW - 100 }, [others]), ['OOMKilled']);
  });

  it('sees memory above 90 % of what is the limit by now', () => {
    assert.deepEqual(causes({ usage: used({ memoryBytes: 181 * MI }) }), ['NearMemoryLimit']);
    assert.deepEqual(causes({ usage: used({ memoryBytes: 180 * MI }) }), []);
    const usage = used({ memoryBytes: 95 * MI });
    assert.deepEqual(causes({ usage, actual: sized(1, 100, [2, 100]) }), ['NearMemoryLimit']);
  });

  it('sees CPU that is throttled, or over its budget', () => {
    const isCpuOverBudget = true;
    assert.deepEqual(causes({ usage: used({ throttledShare: 0.06 }) }), ['Throttled']);
    assert.deepEqual(causes({ usage: used({ throttledShare: 0.05 }) }), []);
    assert.deepEqual(causes({ usage: used({ isCpuOverBudget }) }), ['OverCpuBudget']);
    assert.deepEqual(causes({ usage: used({ isCpuOverBudget, throttledShare: 0.5 }) }), [
      'Throttled',
    ]);
  });

  it('makes nothing of figures that are old, or from before the change', () => {
    const bad = { memoryBytes: 199 * MI, isCpuOverBudget: true };
    assert.deepEqual(causes({ usage: used({ ...bad, atSeconds: NOW - 301 }) }), []);
    const raised = aRecord(sized(0.5, 50, [1, 100]), SIZES);
    assert.deepEqual(causes({ usage: used({ ...bad, atSeconds: NOW - 60 }) }, [raised]), []);
  });
});
