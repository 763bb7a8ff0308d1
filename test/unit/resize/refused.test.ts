import assert from 'node:assert/strict';
import { isHad, refusedByNode } from '../../../src/resize/refused.ts';
import { aContainer, aPod, NOW, sized } from './builders.ts';

const RAN = sized(1, 200, [1, 200]);
const RAISED = sized(1.5, 200, [1.5, 200]);
const resize = { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW - 5 } as const;

describe('what a node refuses', () => {
  const pod = (spec: typeof RAN, changed: Parameters<typeof aPod>[1] = {}) =>
    aPod([aContainer(spec, { actual: RAN }), aContainer(RAN, { name: 'side' })], {
      resize,
      ...changed,
    });

  it('is what is asked for and does not run', () => {
    assert.deepEqual(refusedByNode(pod(RAISED)), {
      podUid: 'a',
      lane: 'Raise',
      containers: [{ name: 'main', from: RAN, to: RAISED }],
      reason: 'Infeasible',
      message: 'static CPUs',
    });
    assert.equal(refusedByNode(pod(RAN)), undefined);
  });

  it('says nothing of raises where something is lowered too', () => {
    assert.equal(refusedByNode(pod(sized(1.5, 100, [1.5, 100])))?.lane, 'Savings');
  });

  it('is not known where it waits, or the kubelet has yet to look at it', () => {
    assert.equal(
      refusedByNode(pod(RAISED, { resize: { ...resize, state: 'Deferred' } })),
      undefined,
    );
    assert.equal(refusedByNode(pod(RAISED, { generation: 2 })), undefined);
  });

  it('was not refused where it runs, as far as that is known', () => {
    const refusal = refusedByNode(pod(RAISED));
    assert.ok(refusal);
    const having = (actual: typeof RAN | undefined) => aPod(aContainer(RAISED, { actual }));
    assert.equal(isHad(refusal, [having(RAISED)]), true);
    assert.equal(isHad(refusal, [having(RAN)]), false);
    assert.equal(isHad(refusal, [having(undefined)]), false);
    assert.equal(isHad(refusal, [{ ...having(RAISED), uid: 'b' }]), false);
  });
});
