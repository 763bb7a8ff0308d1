import assert from 'node:assert/strict';
import { floorsOf, raisedTo } from '../../../src/controller/newpodfloors.ts';
import { aRecord, MI, NOW, sized } from '../resize/builders.ts';

const DAY = 86_400;
const WITHIN = { cooldownSeconds: DAY, nowSeconds: NOW };
const SMALL = sized(0.1, 100, [0.2, 100]);
const LARGE = sized(0.1, 100, [0.2, 200]);

describe('a new pod', () => {
  const least = (records: Parameters<typeof floorsOf>[0], max = {}) =>
    raisedTo(SMALL, floorsOf(records, WITHIN).get('main'), max);

  it('gets what is recommended where nothing was changed', () => {
    assert.deepEqual(least([]), SMALL);
  });

  it('gets what its replicas were raised to in need', () => {
    assert.deepEqual(least([aRecord(SMALL, LARGE, { lane: 'Rescue' })]), LARGE);
  });

  it('gets the most of several rescues', () => {
    const rescues = [
      aRecord(SMALL, sized(0.3, 100, [0.4, 100]), { lane: 'Rescue', atSeconds: NOW - 120 }),
      aRecord(SMALL, LARGE, { lane: 'Rescue' }),
    ];
    assert.deepEqual(least(rescues), sized(0.3, 100, [0.4, 200]));
  });

  it('gets a rescue no further than the policy allows now', () => {
    const rescue = aRecord(SMALL, LARGE, { lane: 'Rescue' });
    assert.deepEqual(least([rescue], { memory: 150 * MI }), sized(0.1, 100, [0.2, 150]));
    assert.deepEqual(least([rescue], { memory: 50 * MI }), SMALL);
  });

  it('gets nothing of a rescue that was taken back', () => {
    const rescue = aRecord(SMALL, LARGE, { lane: 'Rescue', outcome: 'TakenBack' });
    assert.deepEqual(least([rescue]), SMALL);
  });

  it('gets what a pod needed that its node could not resize', () => {
    const rescue = aRecord(SMALL, LARGE, { lane: 'Rescue', outcome: 'Failed' });
    assert.deepEqual(least([rescue]), LARGE);
  });

  it('gets nothing of a rescue that savings may follow by now', () => {
    const rescue = aRecord(SMALL, LARGE, { lane: 'Rescue', atSeconds: NOW - DAY });
    assert.deepEqual(least([rescue]), SMALL);
  });

  it('gets nothing of a raise, which the recommendation has itself', () => {
    assert.deepEqual(least([aRecord(SMALL, LARGE, { lane: 'Raise' })]), SMALL);
  });

  it('gets what was good before a change that was taken back, until it may be tried again', () => {
    const story = (outcomeSeconds: number) => [
      aRecord(LARGE, SMALL, { outcome: 'TakenBack', outcomeSeconds, failures: 1 }),
      aRecord(SMALL, LARGE, { lane: 'Return', atSeconds: outcomeSeconds }),
    ];
    assert.deepEqual(least(story(NOW - DAY + 1)), LARGE);
    assert.deepEqual(least(story(NOW - DAY)), SMALL);
  });

  it('gets no more than there was before more left pods on no node, until it may be tried again', () => {
    const story = (outcomeSeconds: number) => [
      aRecord(SMALL, LARGE, { lane: 'Rescue', outcome: 'Failed', atSeconds: outcomeSeconds - 700 }),
      aRecord(SMALL, LARGE, {
        lane: 'Rescue',
        method: 'Evict',
        outcome: 'TakenBack',
        outcomeSeconds,
        failures: 1,
      }),
      aRecord(LARGE, SMALL, { lane: 'Return', atSeconds: outcomeSeconds }),
    ];
    const of = (records: ReturnType<typeof story>, recommended: typeof SMALL) =>
      raisedTo(recommended, floorsOf(records, WITHIN).get('main'), {});
    assert.deepEqual(of(story(NOW - 60), SMALL), SMALL);
    assert.deepEqual(of(story(NOW - 60), LARGE), SMALL);
    const moreCpu = sized(0.3, 100, [0.4, 200]);
    assert.deepEqual(of(story(NOW - 60), moreCpu), sized(0.3, 100, [0.4, 100]));
    assert.deepEqual(of(story(NOW - DAY), LARGE), LARGE);
  });

  it('gets no amount that is not recommended', () => {
    const rescue = aRecord(SMALL, LARGE, { lane: 'Rescue' });
    const bare = sized(0.1, 100);
    assert.deepEqual(raisedTo(bare, floorsOf([rescue], WITHIN).get('main'), {}), bare);
  });

  it('has no limit below its request', () => {
    const rescue = aRecord(sized(0.1, 100), sized(0.5, 300), { lane: 'Rescue' });
    assert.deepEqual(least([rescue]), sized(0.5, 300, [0.5, 300]));
  });
});
