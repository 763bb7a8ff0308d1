//   test/cluster/run.sh mocha test/cluster/events.test.ts
import assert from 'node:assert/strict';
import { KubeConnection } from '../../src/kube/connection.ts';
import { EventRecorder, type EventFacts } from '../../src/kube/events.ts';
import { listAt, objectAt, type Json } from '../../src/kube/json.ts';
import { BreakingProxy, kubeConfigFor } from '../support/breaking-proxy.ts';
import { createNamespace, deleteNamespace, directConnection, kubectl } from '../support/cluster.ts';

describe('the event recorder against a real API server', () => {
  const connection = directConnection();
  let namespace = '';
  let errors: Error[] = [];
  let nowMs = 0;
  before(async () => {
    namespace = await createNamespace('events');
  });
  after(async () => {
    await deleteNamespace(namespace);
    await connection.close();
  });
  beforeEach(() => {
    [errors, nowMs] = [[], 0];
  });

  function recorder(through = connection): EventRecorder {
    return new EventRecorder({
      connection: through,
      instance: 'test',
      onError: (error) => errors.push(error),
      now: () => nowMs,
    });
  }

  function facts(name: string, changes: Partial<EventFacts> = {}): EventFacts {
    return {
      regarding: { apiVersion: 'rightsize.dev/v1alpha1', kind: 'RightsizePolicy', namespace, name },
      type: 'Warning',
      reason: 'UsageUnavailable',
      action: 'ReadUsage',
      note: 'Prometheus does not answer; the last recommendation is kept',
      ...changes,
    };
  }

  async function eventsOf(name: string, of = namespace): Promise<readonly Json[]> {
    const list = await connection.request({
      method: 'GET',
      path: `/apis/events.k8s.io/v1/namespaces/${of}/events`,
    });
    return listAt(list, 'items').filter((event) => objectAt(event, 'regarding')['name'] === name);
  }

  const series = (events: readonly Json[]) =>
    events.map((event) => objectAt(event, 'series')['count']).sort();

  it('counts a repetition in the event that is there', async () => {
    const events = recorder();
    for (let time = 0; time < 4; time++) {
      events.record(facts('repeated'));
      await events.flush();
    }
    assert.deepEqual(series(await eventsOf('repeated')), [4]);
    assert.deepEqual(errors, []);
  });

  it('writes once for repetitions that come faster than it can write', async () => {
    const proxy = await BreakingProxy.start();
    const through = new KubeConnection(() => proxy.kubeConfig());
    const events = recorder(through);
    for (let time = 0; time < 10; time++) events.record(facts('fast'));
    await events.flush();
    await through.close();
    await proxy.stop();
    assert.deepEqual(series(await eventsOf('fast')), [10]);
    assert.equal(proxy.requests.length, 1);
  });

  it('writes another event for another reason, note, or after ten minutes', async () => {
    const events = recorder();
    events.record(facts('various'));
    events.record(facts('various', { reason: 'PolicyInvalid' }));
    events.record(facts('various', { note: 'another note' }));
    nowMs += 600_000;
    events.record(facts('various'));
    await events.flush();
    assert.equal((await eventsOf('various')).length, 4);
  });

  it('writes anew when the server has forgotten the event', async () => {
    const events = recorder();
    events.record(facts('forgotten'));
    await events.flush();
    await kubectl('delete', 'events', '--all', '-n', namespace);
    events.record(facts('forgotten'));
    await events.flush();
    assert.deepEqual(series(await eventsOf('forgotten')), [2]);
    assert.deepEqual(errors, []);
  });

  it('does not let one object push out the events of others', async () => {
    const events = recorder();
    for (let index = 0; index < 100; index++) {
      events.record(facts('noisy', { note: `note ${index}` }));
    }
    events.record(facts('quiet'));
    await events.flush();
    assert.equal((await eventsOf('noisy')).length, 25);
    assert.equal((await eventsOf('quiet')).length, 1);
    assert.equal(events.dropped, 75);
  }).timeout(20_000);

  it('cuts a long note to a kilobyte of whole characters', async () => {
    const events = recorder();
    events.record(facts('long', { note: 'ü'.repeat(2000) }));
    await events.flush();
    const [event] = await eventsOf('long');
    const note = String(event?.['note']);
    assert.match(note, /^ü+…$/);
    assert.ok(Buffer.byteLength(note) > 1000);
    assert.ok(Buffer.byteLength(note) <= 1024);
  });

  it('writes events of cluster-scoped objects into default', async () => {
    const name = `cluster-scoped-${process.pid}`;
    const events = recorder();
    const regarding = { apiVersion: 'v1', kind: 'Namespace', name };
    events.record(facts(name, { regarding }));
    await events.flush();
    assert.deepEqual(errors, []);
    assert.equal((await eventsOf(name, 'default')).length, 1);
  });

  it('shows in kubectl events', async () => {
    const events = recorder();
    events.record(facts('shown'));
    await events.flush();
    const shown = await kubectl('events', '-n', namespace);
    assert.match(shown, /Warning +UsageUnavailable +RightsizePolicy\/shown +Prometheus does not/);
  });

  it('reports a failure and goes on', async () => {
    const nowhere = new KubeConnection(() => kubeConfigFor('http://127.0.0.1:9'));
    const events = recorder(nowhere);
    events.record(facts('unreachable'));
    await events.flush();
    assert.equal(errors.length, 1);
    assert.match(
      errors[0]?.message ?? '',
      /^record event UsageUnavailable of RightsizePolicy unreachable$/,
    );
    await nowhere.close();
  });
});
