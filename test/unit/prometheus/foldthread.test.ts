import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { FoldThread } from '../../../src/prometheus/foldthread.ts';
import type { RawQuestion } from '../../../src/prometheus/rawqueries.ts';
import { frameOf } from '../../support/frames.ts';

const QUESTION: RawQuestion = {
  batch: { pods: [{ namespace: 'shop', name: 'web-1', workload: 'shop/Deployment/web' }] },
  window: { fromSeconds: 0, toSeconds: 7200 },
  stepSeconds: 60,
  withSignals: true,
};
const EMPTY = frameOf(new Uint8Array(0));

describe('FoldThread', () => {
  const thread = new FoldThread();
  after(() => thread.stop());

  it('says what a damaged answer is, and takes the next one', async () => {
    const folds = thread.open();
    const damaged = folds.begin(QUESTION);
    const frame = frameOf(Uint8Array.of(1, 2, 3));
    frame[frame.length - 1] = 0;
    await damaged.take(frame);
    await assert.rejects(async () => damaged.end(), {
      name: 'PrometheusError',
      reason: 'PrometheusAnswerInvalid',
      message: 'Prometheus answered a frame with a wrong checksum',
    });
    damaged.drop();
    const next = folds.begin(QUESTION);
    await next.take(EMPTY);
    await next.end();
    await next.fold();
    assert.deepEqual([...(await folds.close('shop/Deployment/web'))], []);
    folds.end();
  });

  it('gives nothing of a reading that is over, rather than a history that is empty', async () => {
    const folds = thread.open();
    const answer = folds.begin(QUESTION);
    await answer.take(EMPTY);
    folds.end();
    await assert.rejects(async () => answer.end(), /the reading is over/);
    await assert.rejects(folds.close('shop/Deployment/web'), /the reading is over/);
  });

  it('waits for the thread rather than to hold all that comes', async () => {
    const folds = thread.open();
    const answer = folds.begin(QUESTION);
    const frames = Buffer.concat(Array.from({ length: 1024 }, () => frameOf(Buffer.alloc(1024))));
    let waits = 0;
    for (let part = 0; part < 16; part++) {
      const taken = answer.take(frames);
      if (taken === undefined) continue;
      waits += 1;
      await taken.catch(() => undefined);
    }
    assert.ok(waits >= 10, `${waits} waits`);
    answer.drop();
    folds.end();
  });

  it('fails what is under way when it ends, and begins anew', async () => {
    const folds = thread.open();
    const answer = folds.begin(QUESTION);
    await answer.take(EMPTY);
    const ended = answer.end();
    thread.stop();
    await assert.rejects(async () => ended, /was told to end/);
    folds.end();
    const again = thread.open();
    const other = again.begin(QUESTION);
    await other.take(EMPTY);
    await other.end();
    again.end();
  });

  it('keeps no process from its end', async () => {
    await wait(0);
    const idle = new FoldThread();
    const folds = idle.open();
    const answer = folds.begin(QUESTION);
    await answer.take(EMPTY);
    await answer.end();
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort'),
      [],
    );
    idle.stop();
  });
});
