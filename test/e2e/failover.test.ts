// Two instances of the operator that share the work by a Lease.
//   test/cluster/run.sh mocha test/e2e/failover.test.ts
import assert from 'node:assert/strict';
import { API_VERSION, PLURALS } from '../../src/api/group.ts';
import { collectionPath } from '../../src/kube/paths.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import { LocalServer } from '../support/local-server.ts';
import type { RunningOperator } from '../support/operator.ts';
import {
  conditionOf,
  recommendationsIn,
  targetsOf,
  type StoredRecommendation,
} from '../support/own-objects.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const workloads: readonly SceneWorkload[] = ['cart', 'search', 'wiki'].map((name, i) => ({
  kind: 'Deployment',
  name,
  containers: [
    {
      name,
      uses: { cpu: [0.1, 0.2 + i / 10], memoryMi: 200 },
      requests: { cpu: 1, memory: 2 ** 30 },
    },
  ],
}));

describe('two instances of the operator', function () {
  this.timeout(60_000);
  let scene: Scene;
  let first: RunningOperator;
  let second: RunningOperator;
  let third: RunningOperator;
  let seen: Reflector<StoredRecommendation>;
  let targets: readonly string[];
  /** What became of Recommendations since the first was there: deletions and other targets. */
  const harm: string[] = [];

  before(async () => {
    scene = await openScene({ prefix: 'e2e-failover', workloads });
    first = await scene.operator({ flags: ['--refresh=3s'] });
    await until(10_000, () => leads(first));
    second = await scene.operator({ flags: ['--refresh=3s'] });
    await apply(policy(scene.namespace, 'default'));
    targets = await until(20_000, recommendedTargets);
    watchForHarm();
  });

  after(async () => {
    await seen.stop();
    await scene.close();
  });

  async function recommendedTargets(): Promise<readonly string[]> {
    const found = await recommendationsIn(scene.connection, scene.namespace);
    assert.equal(targetsOf(found).length, workloads.length);
    return targetsOf(found);
  }

  function watchForHarm(): void {
    const resource = { apiVersion: API_VERSION, plural: PLURALS.Recommendation };
    seen = new Reflector<StoredRecommendation>({
      connection: scene.connection,
      path: collectionPath(resource, scene.namespace),
      project: (raw) => raw as unknown as StoredRecommendation,
      onChange: (change) => {
        if (change.kind === 'Deleted') harm.push(`deleted ${change.key}`);
        if (change.kind !== 'Updated') return;
        const [old, now] = [change.before, change.item].map((item) =>
          targetsOf(new Map([[change.key, item]])),
        );
        if (String(old) !== String(now)) harm.push(`${String(old)} became ${String(now)}`);
      },
      onError: (error) => harm.push(error.message),
    });
    seen.start();
  }

  async function leads({ url }: RunningOperator): Promise<void> {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
    assert.match(await response.text(), /^rightsize_leader 1$/m);
  }

  /** Once the instance has read usage as the leader, and so has had the occasion to write. */
  async function hasWorked(operator: RunningOperator): Promise<void> {
    await until(20_000, async () => {
      assert.ok((await operator.log()).split('"usage read"').length > 2, 'usage read twice');
    });
  }

  const holder = () =>
    kubectl(
      ...['-n', scene.system, 'get', 'lease', 'rightsize'],
      ...['-o', 'jsonpath={.spec.holderIdentity}'],
    );

  it('lets one work while the other is ready and waits', async () => {
    await until(10_000, async () => {
      const ready = await fetch(`${second.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
      assert.equal(ready.status, 200);
    });
    await assert.rejects(leads(second));
    assert.ok(!(await second.log()).includes('"usage read"'));
  });

  it('has the other take over within 20 s when the leader is killed', async () => {
    const start = performance.now();
    await first.end('SIGKILL');
    await until(25_000, () => leads(second));
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds < 20, `after ${seconds.toFixed(1)} s`);
  });

  it('neither loses nor changes a recommendation by that', async () => {
    await hasWorked(second);
    assert.deepEqual(await recommendedTargets(), targets);
    assert.deepEqual(harm, []);
  });

  it('hands over within 2 s when the leader is told to end, which ends in order within 5 s', async () => {
    third = await scene.operator({ flags: ['--refresh=3s'] });
    await until(10_000, async () => assert.match(await third.log(), /"started"/));
    await until(10_000, async () => {
      const ready = await fetch(`${third.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
      assert.equal(ready.status, 200);
    });
    const led = await holder();
    const told = performance.now();
    assert.equal(await second.end('SIGTERM'), 0);
    const ended = performance.now();
    assert.ok(ended - told < 5_000, `ended after ${(ended - told).toFixed()} ms`);
    assert.match(await second.log(), /"stopped"}\n$/);
    assert.notEqual(await holder(), led);
    await until(5_000, () => leads(third));
    const tookOver = performance.now() - ended;
    assert.ok(tookOver < 2_000, `took over after ${tookOver.toFixed()} ms`);
  });

  it('neither loses nor changes a recommendation by that either', async () => {
    await hasWorked(third);
    assert.deepEqual(await recommendedTargets(), targets);
    assert.deepEqual(harm, []);
  });

  it('gives the Lease back when the last one ends', async () => {
    assert.equal(await third.end('SIGTERM'), 0);
    assert.equal(await holder(), '');
  });

  describe('whose Prometheus does not answer', () => {
    const silent = new LocalServer(() => undefined);

    after(async () => {
      await silent.stop();
    });

    it('ends in order within 5 s in the middle of a reading', async () => {
      const operator = await scene.operator({ prometheusUrl: await silent.start() });
      await until(20_000, () => assert.ok(silent.requests.length > 0));
      const told = performance.now();
      assert.equal(await operator.end('SIGTERM'), 0);
      assert.ok(performance.now() - told < 5_000);
      assert.equal(await holder(), '');
      assert.deepEqual(await recommendedTargets(), targets);
      const found = await recommendationsIn(scene.connection, scene.namespace);
      for (const each of found.values()) assert.equal(conditionOf(each, 'Degraded'), undefined);
    });
  });
});
