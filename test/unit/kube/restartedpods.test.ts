import assert from 'node:assert/strict';
import type { Pod, PodContainer } from '../../../src/controller/ports.ts';
import { RestartedPods } from '../../../src/kube/restartedpods.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aPod, aPodContainer } from '../controller/memorycluster.ts';

const key = 'shop/a';
const pod = (name: string, ...containers: readonly Partial<PodContainer>[]): Pod =>
  aPod(name, { containers: containers.map((change) => aPodContainer('main', change)) });

describe('pods that restarted', () => {
  let pods: RestartedPods;
  const added = (item: Pod) => pods.podChanged({ kind: 'Added', key, item }, NOW);
  const deleted = (before: Pod, at = NOW) => pods.podChanged({ kind: 'Deleted', key, before }, at);

  beforeEach(() => {
    pods = new RestartedPods();
    pods.watching(true, NOW - 2 * HOUR_SECONDS);
  });

  it('are those of which a container restarted, or was killed for memory and not begun anew', () => {
    added(pod('calm', {}, {}));
    added(pod('ended', { restartedSeconds: NOW }));
    added(pod('restarted', {}, { restarts: 1, restartedSeconds: NOW - 60 }));
    added(pod('killed', { oomKilledSeconds: NOW - 60, restartedSeconds: NOW - 60 }));
    added(pod('silent', { restarts: 3 }));
    assert.deepEqual(pods.of('shop', NOW), ['restarted', 'killed', 'silent']);
    assert.deepEqual(pods.of('bank', NOW), []);
  });

  it('are so for a day, and again when they restart once more', () => {
    const early = pod('web', { restarts: 1, restartedSeconds: NOW });
    added(early);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS), ['web']);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS + 1), []);
    const at = NOW + 2 * DAY_SECONDS;
    const item = pod('web', { restarts: 2, restartedSeconds: at });
    pods.podChanged({ kind: 'Updated', key, item, before: early }, at);
    assert.deepEqual(pods.of('shop', at), ['web']);
  });

  it('may be gone, for a day at most where it is not known when they restarted', () => {
    const [told, silent] = [
      pod('told', { restarts: 1, restartedSeconds: NOW - HOUR_SECONDS }),
      pod('silent', { restarts: 1 }),
    ];
    for (const each of [told, silent]) {
      added(each);
      deleted(each);
    }
    assert.deepEqual(pods.of('shop', NOW), ['told', 'silent']);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS), ['silent']);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS + 1), []);
  });

  it('are told of also when another pod took the name, as in a StatefulSet', () => {
    const before = pod('web-0', { restarts: 1, restartedSeconds: NOW });
    added(before);
    deleted(before);
    added(pod('web-0', {}));
    assert.deepEqual(pods.of('shop', NOW), ['web-0']);
    deleted(pod('web-0', {}), NOW + DAY_SECONDS);
    assert.deepEqual(pods.of('shop', NOW), ['web-0']);
  });

  it('are forgotten after two days, and not known for windows of before then', () => {
    const [old, other] = [pod('old', { restarts: 1, restartedSeconds: NOW }), pod('other', {})];
    added(old);
    deleted(old);
    const later = NOW + 2 * DAY_SECONDS;
    deleted(other, later);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS), ['old']);
    assert.equal(pods.of('shop', NOW + DAY_SECONDS - 1), undefined);
    // It is looked for once an hour, whichever pod changes.
    deleted(other, later + HOUR_SECONDS - 1);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS), ['old']);
    deleted({ ...other, namespace: 'bank' }, later + HOUR_SECONDS);
    assert.equal(pods.of('shop', NOW + DAY_SECONDS), undefined);
    assert.deepEqual(pods.of('shop', NOW + DAY_SECONDS + HOUR_SECONDS), []);
  });

  it('are as late as the last of their containers', () => {
    const [early, late] = [NOW - DAY_SECONDS - 1, NOW - 60];
    added(
      pod('web', { restarts: 1, restartedSeconds: late }, { restarts: 1, restartedSeconds: early }),
    );
    assert.deepEqual(pods.of('shop', NOW), ['web']);
  });

  it('are not known for windows that reach back to before they were watched without a break', () => {
    assert.deepEqual(pods.of('shop', NOW), []);
    assert.equal(pods.of('shop', NOW - 1), undefined);
    pods.watching(true, NOW);
    assert.deepEqual(pods.of('shop', NOW), []);
    pods.watching(false, NOW);
    assert.equal(pods.of('shop', NOW + DAY_SECONDS), undefined);
    pods.watching(true, NOW);
    assert.equal(pods.of('shop', NOW + 2 * HOUR_SECONDS - 1), undefined);
    assert.deepEqual(pods.of('shop', NOW + 2 * HOUR_SECONDS), []);
  });

  it('are not known before they were ever watched', () => {
    assert.equal(new RestartedPods().of('shop', NOW + DAY_SECONDS), undefined);
  });
});
