// Workloads that are odd or nonsense: each gets what can be said of it, and none stops the others.
//   test/cluster/run.sh mocha test/e2e/badinput.test.ts
import assert from 'node:assert/strict';
import { apply, kubectl, until } from '../support/cluster.ts';
import type { RunningOperator } from '../support/operator.ts';
import {
  conditionOf,
  policiesIn,
  recommendationsIn,
  targetOf,
  type StoredRecommendation,
} from '../support/own-objects.ts';
import {
  openScene,
  policy,
  sceneObjects,
  type Scene,
  type SceneWorkload,
} from '../support/scene.ts';

const MI = 2 ** 20;
const GENEROUS = { cpu: 1, memory: 1024 * MI };

const manyContainers = (count: number): SceneWorkload['containers'] =>
  Array.from({ length: count }, (_, i) => ({ name: `c${i}-`.padEnd(63, 'x') }));

const long = (length: number): string => 'a'.repeat(length);

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    containers: [{ name: 'main', uses: { cpu: [0.1, 0.2], memoryMi: 100 }, requests: GENEROUS }],
  },
  {
    kind: 'StatefulSet',
    name: 'web-api',
    containers: [{ name: 'main', uses: { cpu: [0.7, 0.8], memoryMi: 600 }, requests: GENEROUS }],
  },
  {
    kind: 'Deployment',
    name: 'best-effort',
    containers: [{ name: 'main', uses: { cpu: [0.1, 0.2], memoryMi: 100 } }],
  },
  {
    kind: 'Deployment',
    name: 'with-sidecar',
    containers: [
      { name: 'migrate', as: 'Init', requests: { cpu: 1 } },
      {
        name: 'mesh',
        as: 'Sidecar',
        uses: { cpu: [0.03, 0.05], memoryMi: 50 },
        requests: GENEROUS,
      },
      { name: 'main', uses: { cpu: [0.1, 0.2], memoryMi: 100 }, requests: GENEROUS },
    ],
  },
  { kind: 'DaemonSet', name: 'never-ran', containers: [{ name: 'main', requests: GENEROUS }] },
  { kind: 'Deployment', name: 'sixty-four', containers: manyContainers(64) },
  { kind: 'CronJob', name: long(52), containers: [{ name: 'main' }] },
  // A name that is cut right behind a dot when the kind is put before it.
  {
    kind: 'Deployment',
    name: `${long(230)}.${long(22)}`,
    replicas: 0,
    containers: [{ name: long(63) }],
  },
];

describe('the operator with odd workloads', function () {
  this.timeout(60_000);
  let scene: Scene;
  let operator: RunningOperator;
  let found: ReadonlyMap<string, StoredRecommendation>;

  before(async () => {
    scene = await openScene({ prefix: 'e2e-odd', workloads });
    operator = await scene.operator({ flags: ['--refresh=2s'] });
    await apply(policy(scene.namespace, 'default'));
  });

  after(async () => {
    await scene.close();
  });

  const recommendations = () => recommendationsIn(scene.connection, scene.namespace);

  function containersOf(name: string): ReadonlyMap<string, string> {
    const containers = found.get(name)?.status?.containers ?? [];
    return new Map(containers.map((container) => [container.name, container.kind]));
  }

  function cpuOf(name: string, container = 'main'): number {
    const containers = found.get(name)?.status?.containers ?? [];
    const one = containers.find((each) => each.name === container);
    return (one === undefined ? undefined : targetOf(one)?.cpu) ?? NaN;
  }

  function isBetween(value: number, low: number, high: number): void {
    assert.ok(value >= low && value <= high, `${value} is not from ${low} to ${high}`);
  }

  it('has a Recommendation for each', async () => {
    found = await until(20_000, async () => {
      const now = await recommendations();
      assert.deepEqual(
        [...now.values()].map(({ spec }) => spec.targetRef.name).sort(),
        workloads.map(({ name }) => name).sort(),
      );
      for (const [name, each] of now) assert.ok(conditionOf(each, 'Ready'), name);
      return now;
    });
  });

  it('keeps the usage of `web` and `web-api` apart', () => {
    isBetween(cpuOf('deployment-web'), 0.17, 0.35);
    isBetween(cpuOf('statefulset-web-api'), 0.77, 1.2);
  });

  it('sizes a native sidecar as what it is, and leaves init containers alone', () => {
    assert.deepEqual(
      containersOf('deployment-with-sidecar'),
      new Map([
        ['mesh', 'Sidecar'],
        ['main', 'Container'],
      ]),
    );
    isBetween(cpuOf('deployment-with-sidecar', 'mesh'), 0.045, 0.1);
    isBetween(cpuOf('deployment-with-sidecar'), 0.17, 0.35);
  });

  it('gives a workload without any requests its first ones', () => {
    const [container] = found.get('deployment-best-effort')?.status?.containers ?? [];
    assert.ok(container);
    assert.deepEqual(container.current, { requests: {}, limits: {} });
    isBetween(cpuOf('deployment-best-effort'), 0.17, 0.35);
    isBetween((targetOf(container)?.memory ?? NaN) / MI, 98, 200);
  });

  it('says of what never ran that there is no history, and keeps its requests', () => {
    const never = found.get('daemonset-never-ran');
    assert.ok(never);
    assert.equal(conditionOf(never, 'Ready'), 'False Learning');
    assert.equal(never.status?.reason, 'NoHistory');
    assert.deepEqual(never.status.containers?.[0]?.target?.requests, { cpu: '1', memory: '1Gi' });
  });

  it('has room for 64 containers with the longest names', () => {
    assert.equal(containersOf('deployment-sixty-four').size, 64);
  });

  it('tells of as many containers as a Recommendation holds when there are more, and rests then', async () => {
    await apply(
      ...sceneObjects(scene.namespace, [
        { kind: 'Deployment', name: 'seventy', containers: manyContainers(70) },
      ]),
    );
    const version = () =>
      until(10_000, async () => {
        const seventy = (await recommendations()).get('deployment-seventy');
        assert.equal(seventy?.status?.containers?.length, 64);
        return seventy.metadata.resourceVersion;
      });
    await version();
    const read = await usageReadings();
    const first = await until(10_000, async () => {
      assert.ok((await usageReadings()) > read + 1);
      return version();
    });
    await until(10_000, async () => assert.ok((await usageReadings()) > read + 3));
    assert.equal(await version(), first);
  });

  it('follows a workload whose requests and limits are taken away', async () => {
    await kubectl(
      ...['-n', scene.namespace, 'patch', 'deployment', 'web', '--type=json', '-p'],
      JSON.stringify([{ op: 'remove', path: '/spec/template/spec/containers/0/resources' }]),
    );
    await until(10_000, async () => {
      const [container] = (await recommendations()).get('deployment-web')?.status?.containers ?? [];
      assert.deepEqual(container?.current, { requests: {}, limits: {} });
    });
  });

  it('says of a workload all of whose containers are ignored that there is nothing to do', async () => {
    await apply(
      policy(scene.namespace, 'ignoring', {
        priority: 1,
        selector: { kinds: ['StatefulSet'] },
        containers: [{ name: '*', mode: 'Ignore' }],
      }),
    );
    const ignored = await until(10_000, async () => {
      const now = (await recommendations()).get('statefulset-web-api');
      assert.ok(now);
      assert.equal(conditionOf(now, 'Ready'), 'True Ignored');
      return now;
    });
    assert.equal(ignored.status?.containers, undefined);
    const read = await usageReadings();
    await until(15_000, async () => assert.ok((await usageReadings()) > read + 1));
    const later = (await recommendations()).get('statefulset-web-api');
    assert.equal(later?.metadata.resourceVersion, ignored.metadata.resourceVersion);
    const writes = (await operator.log())
      .split('\n')
      .filter((line) => line.includes('StatefulSet/web-api') && line.includes('"Ignored"'));
    assert.equal(writes.length, 1);
  });

  async function usageReadings(): Promise<number> {
    return (await operator.log()).split('"usage read"').length - 1;
  }

  it('says nothing of errors, and counts them all', async () => {
    const errors = (await operator.log())
      .split('\n')
      .filter((line) => /"level":"(warn|error)"/.test(line));
    assert.deepEqual(errors, []);
    await until(10_000, async () => {
      const status = (await policiesIn(scene.connection, scene.namespace)).get('default')?.status;
      assert.equal(status?.workloads, workloads.length + 1);
    });
  });
});
