// Several instances of the operator that share the namespaces of a cluster; the API server's audit log says who wrote.
//   RIGHTSIZE_AUDIT=1 test/cluster/run.sh mocha test/e2e/shards.test.ts
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { API_VERSION, PLURALS } from '../../src/api/group.ts';
import { objectPath } from '../../src/kube/paths.ts';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { apply, directConnection, kubectl, until } from '../support/cluster.ts';
import { install, uninstall } from '../support/installation.ts';
import { clusterPolicies, recommendationsIn, targetsOf } from '../support/own-objects.ts';
import type { RunningPrometheus } from '../support/prometheus.ts';
import { sceneObjects, type SceneWorkload } from '../support/scene.ts';
import {
  namespacesOf,
  startHistories,
  startShard,
  writersInTurn,
  writesIn,
  type ShardInstance,
} from '../support/shards.ts';

const workloads: readonly SceneWorkload[] = ['cart', 'wiki'].map((name) => ({
  kind: 'Deployment',
  name,
  containers: [{ name, requests: { cpu: 1, memory: 2 ** 30 } }],
}));

/** A process needs seconds to begin where others keep the machine busy, and a Lease 15 s to run out. */
const PATIENCE_MS = 60_000;

describe('shards', function () {
  this.timeout(150_000);
  const prefix = `e2e-shards-${process.pid}`;
  const system = `${prefix}-system`;
  /** One for each way from two shards to three. */
  const rows = [
    [0, 0],
    [0, 2],
    [1, 1],
    [1, 2],
  ] as const;
  const namespaces = namespacesOf(prefix, rows);
  const started: ShardInstance[] = [];
  const instances = new Map<string, ShardInstance>();
  let connection: KubeConnection;
  let prometheus: RunningPrometheus;
  let stirring: Promise<void>;
  let targets: readonly string[];
  let uids: readonly string[];
  const done = new AbortController();

  before(async () => {
    connection = directConnection();
    await install({ overlay: 'cluster', namespace: system });
    for (const name of namespaces) await kubectl('create', 'namespace', name);
    await apply(...namespaces.flatMap((name) => sceneObjects(name, workloads)));
    await apply({
      apiVersion: API_VERSION,
      kind: 'ClusterRightsizePolicy',
      metadata: { name: prefix },
      spec: {
        namespaceSelector: {
          matchExpressions: [
            { key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces },
          ],
        },
      },
    });
    prometheus = await startHistories(namespaces, workloads);
  });

  after(async () => {
    done.abort();
    await stirring;
    for (const each of started) {
      each.child.kill('SIGCONT');
      await each.remove();
    }
    await prometheus.stop();
    await kubectl('delete', 'clusterrightsizepolicy', prefix, '--ignore-not-found');
    await kubectl('delete', 'namespace', ...namespaces, '--wait=false');
    await uninstall(system);
    await connection.close();
  });

  /** Another generation of the policy stands in every Recommendation: there is always something to write. */
  async function stir(): Promise<void> {
    for (let round = 0; !done.signal.aborted; round++) {
      const plural = PLURALS.ClusterRightsizePolicy;
      await connection.request({
        method: 'PATCH',
        path: objectPath({ apiVersion: API_VERSION, plural, name: prefix }),
        contentType: 'application/merge-patch+json',
        body: { spec: { history: { minimum: round % 2 === 0 ? '25h' : '24h' } } },
      });
      await delay(1_000, undefined, { signal: done.signal }).catch(() => undefined);
    }
  }

  async function start(shard: string): Promise<void> {
    const instance = await startShard(shard, { prometheusUrl: prometheus.url, system });
    started.push(instance);
    instances.set(shard, instance);
  }

  function instance(shard: string): ShardInstance {
    const found = instances.get(shard);
    assert.ok(found, `${shard} was not started`);
    return found;
  }

  /** Each Recommendation of the namespace, as `uid target`. */
  async function stored(): Promise<{ uids: readonly string[]; targets: readonly string[] }> {
    const all = await Promise.all(namespaces.map((name) => recommendationsIn(connection, name)));
    return {
      uids: all.flatMap((each) => [...each.values()].map(({ metadata }) => metadata.uid)),
      targets: all.flatMap(targetsOf),
    };
  }

  /** Waits until the last write in each namespace, and to the cluster policy, is of these instances. */
  async function written(deadlineMs: number, owners: readonly string[]): Promise<void> {
    const places = ['', ...namespaces];
    await until(deadlineMs, async () => {
      const writes = await writesIn(namespaces);
      const last = places.map((place) => writes.findLast(({ namespace }) => namespace === place));
      const shards = last.map(
        (write) => started.find(({ credential }) => credential === write?.credential)?.shard,
      );
      assert.deepEqual(shards, owners);
    });
  }

  async function nothingLost(): Promise<void> {
    const now = await stored();
    assert.deepEqual(now.uids, uids);
    assert.deepEqual(now.targets, targets);
  }

  it('write one Recommendation for each workload, each in its own namespaces', async () => {
    await Promise.all([start('0/2'), start('1/2')]);
    await until(PATIENCE_MS, async () => {
      const found = await stored();
      assert.equal(found.targets.length, namespaces.length * workloads.length);
      ({ uids, targets } = found);
    });
    stirring = stir();
    await written(PATIENCE_MS, ['0/2', ...rows.map(([ofTwo]) => `${ofTwo}/2`)]);
  });

  it('judge a policy of all of them by what each of them found', async () => {
    await until(PATIENCE_MS, async () => {
      const status = (await clusterPolicies(connection)).get(prefix)?.status;
      assert.deepEqual([status?.owned, status?.recommended], [8, 8]);
      assert.equal(status?.calibration?.cpu.requested, '8');
    });
  });

  it('hand over to a third one what is its own, and keep the rest', async () => {
    await start('2/3');
    await written(PATIENCE_MS, [
      '0/2',
      ...rows.map(([two, three]) => (three === 2 ? '2/3' : `${two}/2`)),
    ]);
    await nothingLost();
  });

  it('become three when one is replaced in order and one is killed', async () => {
    await instance('1/2').end('SIGTERM');
    await instance('0/2').end('SIGKILL');
    await Promise.all([start('1/3'), start('0/3')]);
    await written(PATIENCE_MS, ['0/3', ...rows.map(([, three]) => `${three}/3`)]);
    await nothingLost();
  });

  it('leave everything to one that comes, also one that is stopped in the middle of its work', async () => {
    instance('1/3').child.kill('SIGSTOP');
    await start('0/1');
    await written(PATIENCE_MS, ['0/1', ...rows.map(() => '0/1')]);
    await nothingLost();
  });

  it('write nothing any more when they go on after such a stop', async () => {
    const paused = instance('1/3');
    const before = await writesIn(namespaces);
    paused.child.kill('SIGCONT');
    await until(PATIENCE_MS, async () => {
      const log = await paused.log();
      assert.ok(log.lastIndexOf('"others go before"') > log.lastIndexOf('not leading any more'));
    });
    await delay(3_000);
    const since = (await writesIn(namespaces)).slice(before.length);
    assert.ok(since.length > 0, 'somebody writes');
    const [one] = [instance('0/1').credential];
    assert.deepEqual([...new Set(since.map(({ credential }) => credential))], [one]);
  });

  it('go when one is left, which goes on alone', async () => {
    for (const shard of ['0/3', '1/3', '2/3']) {
      assert.equal(await instance(shard).end('SIGTERM'), 0);
    }
    await written(PATIENCE_MS, ['0/1', ...rows.map(() => '0/1')]);
    await nothingLost();
  });

  it('never write in turns where another has taken over', async () => {
    const writes = await writesIn(namespaces);
    for (const place of ['', ...namespaces]) {
      const turns = writersInTurn(writes.filter(({ namespace }) => namespace === place));
      assert.equal(new Set(turns).size, turns.length, `${place}: ${turns.join(' → ')}`);
    }
  });
});
