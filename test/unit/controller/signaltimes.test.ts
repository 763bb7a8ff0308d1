import assert from 'node:assert/strict';
import { signalTimes, type SignalTimes } from '../../../src/controller/podstate.ts';
import type { ContainerState } from '../../../src/resize/pod.ts';
import { aContainer, aPod, aRecord, MI, NOW, sized, used } from '../resize/builders.ts';

const SIZES = sized(1, 100, [2, 100]);
const NEAR = used({ memoryBytes: 95 * MI });

/** Since when a pod with one such container shows that it is in need, looked at so long after NOW. */
function since(
  container: Partial<ContainerState>,
  { after = 0, before }: { readonly after?: number; readonly before?: SignalTimes } = {},
): SignalTimes {
  const usage = container.usage && { ...container.usage, atSeconds: NOW + after };
  const pod = aPod(aContainer(SIZES, { ...container, ...(usage && { usage }) }));
  return signalTimes([pod], { records: [], nowSeconds: NOW + after, before });
}

describe('the time of a signal', () => {
  it('is that of the kill, whatever use shows later', () => {
    const killed = { oomKilledSeconds: NOW - 1800, usage: used({ memoryBytes: 5 * MI }) };
    assert.equal(since(killed).get('a'), NOW - 1800);
  });

  it('is that of the first look that showed it, while it goes on', () => {
    const first = since({ usage: NEAR });
    const third = since(
      { usage: NEAR },
      { after: 30, before: since({ usage: NEAR }, { after: 15, before: first }) },
    );
    assert.equal(third.get('a'), NOW);
  });

  it('begins anew after a look that did not show it', () => {
    const calm = since({ usage: used() }, { after: 15, before: since({ usage: NEAR }) });
    assert.equal(calm.get('a'), undefined);
    assert.equal(since({ usage: NEAR }, { after: 30, before: calm }).get('a'), NOW + 30);
  });

  it('is none where nothing is in need, and of what a change has answered', () => {
    assert.equal(since({ usage: used() }).size, 0);
    const killed = aPod(aContainer(SIZES, { oomKilledSeconds: NOW - 100 }));
    const records = [aRecord(sized(1, 80, [2, 80]), SIZES, { lane: 'Rescue' })];
    assert.equal(signalTimes([killed], { records, nowSeconds: NOW, before: undefined }).size, 0);
  });
});
