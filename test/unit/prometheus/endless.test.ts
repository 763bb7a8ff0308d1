import assert from 'node:assert/strict';
import { createEndless } from '../../../src/prometheus/endless.ts';

const { signal } = new AbortController();

describe('whether a server is asked for windows without an end', () => {
  function asked(...answers: (boolean | undefined)[]) {
    const calls = { count: 0, now: 0 };
    const isPrometheus = () => Promise.resolve(answers[calls.count++]);
    return { calls, endless: createEndless({ isPrometheus, clock: () => calls.now }) };
  }

  it('is not so before it was asked what it is', async () => {
    const { calls, endless } = asked(true);
    assert.equal(endless.isTaken, false);
    await endless.learn(signal);
    assert.equal(endless.isTaken, true);
    await endless.learn(signal);
    assert.equal(calls.count, 1);
  });

  it('is not so of another server, which is asked once', async () => {
    const { calls, endless } = asked(false, true);
    for (calls.now of [0, 1e6]) await endless.learn(signal);
    assert.deepEqual([endless.isTaken, calls.count], [false, 1]);
  });

  it('is asked again ten minutes after it did not answer, and not before', async () => {
    const { calls, endless } = asked(undefined, true);
    for (calls.now of [0, 599]) await endless.learn(signal);
    assert.deepEqual([endless.isTaken, calls.count], [false, 1]);
    calls.now = 600;
    await endless.learn(signal);
    assert.deepEqual([endless.isTaken, calls.count], [true, 2]);
  });

  it('is not so for a day once it refused one', async () => {
    const { calls, endless } = asked(true, true);
    await endless.learn(signal);
    endless.refused();
    calls.now = 24 * 3600 - 1;
    await endless.learn(signal);
    assert.deepEqual([endless.isTaken, calls.count], [false, 1]);
    calls.now += 1;
    await endless.learn(signal);
    assert.deepEqual([endless.isTaken, calls.count], [true, 2]);
  });
});
