// The operator at work, as a process with the rights that deploy/ gives it, on a real cluster and a real Prometheus.
//   test/cluster/run.sh mocha test/e2e/operator.test.ts
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { RecommendationStatus } from '../../src/api/recommendation.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import type { RunningOperator } from '../support/operator.ts';
import {
  clusterPolicies,
  conditionOf,
  policiesIn,
  recommendationsIn,
  targetOf,
  targetsOf,
  type StoredPolicy,
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

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    replicas: 2,
    containers: [
      {
        name: 'web',
        uses: { cpu: [0.1, 0.4], memoryMi: 300 },
        requests: { cpu: 2, memory: 1024 * MI },
        limits: { memory: 1024 * MI },
      },
      {
        name: 'proxy',
        uses: { cpu: [0.01, 0.03], memoryMi: 60 },
        requests: { cpu: 0.5, memory: 256 * MI },
      },
    ],
  },
  {
    kind: 'StatefulSet',
    name: 'db',
    containers: [
      {
        name: 'db',
        uses: { cpu: [0.2, 0.3], memoryMi: 700 },
        requests: { cpu: 1, memory: 2048 * MI },
        limits: { memory: 2048 * MI },
      },
    ],
  },
  {
    kind: 'CronJob',
    name: 'report',
    containers: [
      {
        name: 'report',
        uses: { cpu: [0.5, 0.6], memoryMi: 500 },
        requests: { cpu: 1, memory: 1024 * MI },
      },
    ],
  },
];

/** CPU and memory between which a request that holds for the usage above must be: used at the least, twice at most. */
const WANT_WITHIN: Readonly<Record<string, readonly [cpu: number, memoryMi: number]>> = {
  'deployment-web/web': [0.3, 300],
  'deployment-web/proxy': [0.025, 60],
  'statefulset-db/db': [0.28, 700],
  'cronjob-report/report': [0.58, 500],
};

describe('the operator', function () {
  this.timeout(60_000);
  let scene: Scene;
  let operator: RunningOperator;

  before(async () => {
    scene = await openScene({ prefix: 'e2e-operator', workloads });
    operator = await scene.operator({ flags: ['--refresh=2s'] });
  });

  after(async () => {
    await scene.close();
  });

  const recommendations = () => recommendationsIn(scene.connection, scene.namespace);
  const policies = () => policiesIn(scene.connection, scene.namespace);

  async function policyNamed(name: string): Promise<StoredPolicy> {
    const found = (await policies()).get(name);
    assert.ok(found, `policy ${name}`);
    return found;
  }

  /** Once every workload has a target that follows the present spec of the policy. */
  function recommended(count: number): Promise<ReadonlyMap<string, StoredRecommendation>> {
    return until(20_000, async () => {
      const found = await recommendations();
      assert.equal(found.size, count);
      for (const each of found.values()) assert.equal(conditionOf(each, 'Ready'), READY);
      return found;
    });
  }
  const READY = 'True Recommended';

  async function webCpu(): Promise<number> {
    const web = (await recommendations()).get('deployment-web');
    const container = web?.status?.containers?.find(({ name }) => name === 'web');
    assert.ok(container);
    return targetOf(container)?.cpu ?? NaN;
  }

  it('writes nothing without a policy, and is ready', async () => {
    await until(10_000, async () => {
      const metrics = await page('/metrics');
      assert.match(metrics.body, /^rightsize_leader 1$/m);
      assert.equal((await page('/readyz')).status, 200);
    });
    assert.equal((await recommendations()).size, 0);
  });

  it('gives each workload that a policy selects a Recommendation that it owns', async () => {
    await apply(policy(scene.namespace, 'default'));
    const found = await recommended(workloads.length);
    assert.deepEqual([...found.keys()].sort(), [
      'cronjob-report',
      'deployment-web',
      'statefulset-db',
    ]);
    for (const { metadata, spec } of found.values()) {
      const { kind, name } = spec.targetRef;
      const uid = await kubectl(
        '-n',
        scene.namespace,
        'get',
        `${kind}/${name}`,
        '-o',
        'jsonpath={.metadata.uid}',
      );
      assert.deepEqual(
        metadata.ownerReferences?.map((owner) => [owner.kind, owner.name, owner.uid]),
        [[kind, name, uid]],
      );
    }
  });

  it('recommends what the usage needs and not much more', async () => {
    const found = await recommendations();
    const seen = [...found].flatMap(([name, { status }]) =>
      (status?.containers ?? []).map((container) => {
        const key = `${name}/${container.name}`;
        const { cpu = 0, memory = 0 } = targetOf(container) ?? {};
        const [needsCpu, needsMemoryMi] = WANT_WITHIN[key] ?? [Infinity, Infinity];
        assert.ok(cpu >= needsCpu && cpu <= 2 * needsCpu, `${key} cpu ${cpu}`);
        const memoryMi = memory / MI;
        assert.ok(memoryMi >= needsMemoryMi * 0.98, `${key} memory ${memoryMi} Mi`);
        assert.ok(memoryMi <= 2 * needsMemoryMi, `${key} memory ${memoryMi} Mi`);
        return key;
      }),
    );
    assert.deepEqual(seen.sort(), Object.keys(WANT_WITHIN).sort());
  });

  it('counts and sums in the policy what came of it', async () => {
    const { status } = await until(10_000, async () => {
      const found = await policyNamed('default');
      assert.equal(conditionOf(found, 'Ready'), 'True Recommending');
      assert.equal(found.status?.recommended, workloads.length);
      return found;
    });
    assert.equal(status?.workloads, workloads.length);
    assert.equal(status.owned, workloads.length);
    assert.equal(status.held, 0);
    assert.equal(status.observedGeneration, 1);
    const saved = [...(await recommendations()).values()].map((each) => each.status?.savings?.cpu);
    const millis = (text = '0') => Number(text.endsWith('m') ? text.slice(0, -1) : `${text}000`);
    const sum = saved.reduce((total, each) => total + millis(each), 0);
    assert.equal(millis(status.savings?.cpu), sum);
    assert.ok(sum > 0);
  });

  it('tells events of the workloads and of the policy', async () => {
    await until(10_000, async () => {
      const lines = await kubectl(
        ...['-n', scene.namespace, 'get', 'events.events.k8s.io', '-o'],
        'jsonpath={range .items[*]}{.regarding.kind}/{.regarding.name} {.reason}{"\\n"}{end}',
      );
      for (const want of [
        'Deployment/web Recommended',
        'StatefulSet/db Recommended',
        'CronJob/report Recommended',
        'RightsizePolicy/default Recommending',
      ]) {
        assert.ok(lines.split('\n').includes(want), `${want} in\n${lines}`);
      }
    });
  });

  it('writes nothing while nothing changes, though usage is read again and again', async () => {
    const versions = async () =>
      [...(await recommendations()), ...(await policies())].map(
        ([name, { metadata }]) => `${name} ${metadata.resourceVersion}`,
      );
    const before = await versions();
    const readBefore = await usageReadings();
    await until(30_000, async () => {
      assert.deepEqual(await versions(), before);
      assert.ok((await usageReadings()) >= readBefore + 5, 'five more readings');
    });
    assert.deepEqual(await versions(), before);
  });

  it('follows a change of the policy within seconds', async () => {
    const balanced = await webCpu();
    // Sizes are rounded, and stay where a step is small, so that profiles next to each other may come to the same.
    await follow('Economy', 2);
    const economy = await webCpu();
    await follow('Critical', 3);
    assert.ok((await webCpu()) > economy);
    await follow('Balanced', 4);
    assert.equal(await webCpu(), balanced);
  });

  /** Sets the profile, which makes that generation of the policy, and waits until all that is recommended is of it. */
  async function follow(profile: string, generation: number): Promise<void> {
    const start = performance.now();
    await apply(policy(scene.namespace, 'default', { riskTolerance: { profile } }));
    await until(5_000, async () => {
      const found = [...(await recommendations()).values()];
      const seen = found.map(({ status }) => status?.policy?.generation);
      assert.deepEqual(new Set(seen), new Set([generation]));
      assert.equal(seen.length, workloads.length);
    });
    assert.ok(performance.now() - start < 5_000);
  }

  it('brings back a Recommendation that somebody deleted, with the same target', async () => {
    const before = await recommendations();
    await kubectl('-n', scene.namespace, 'delete', 'recommendation', 'statefulset-db');
    await until(10_000, async () => {
      const found = await recommendations();
      assert.notEqual(
        found.get('statefulset-db')?.metadata.uid,
        before.get('statefulset-db')?.metadata.uid,
      );
      assert.deepEqual(targetsOf(found), targetsOf(before));
    });
  });

  it('puts right what somebody else wrote into a status', async () => {
    const wrong: RecommendationStatus = { savings: { cpu: '99' } };
    await kubectl(
      ...['-n', scene.namespace, 'patch', 'recommendation', 'statefulset-db'],
      ...['--subresource=status', '--type=merge', '-p', JSON.stringify({ status: wrong })],
    );
    await until(10_000, async () => {
      const db = (await recommendations()).get('statefulset-db');
      assert.ok(db?.status?.savings?.cpu);
      assert.notEqual(db.status.savings.cpu, '99');
    });
  });

  it('lets the policy of higher precedence take over, and says so in both', async () => {
    await apply(
      policy(scene.namespace, 'first', { priority: 10, selector: { kinds: ['StatefulSet'] } }),
    );
    await until(10_000, async () => {
      const found = await recommendations();
      assert.equal(policyOf(found.get('statefulset-db')), 'first');
      assert.equal(policyOf(found.get('deployment-web')), 'default');
      assert.deepEqual(countsOf(await policyNamed('default')), [3, 2]);
      assert.deepEqual(countsOf(await policyNamed('first')), [1, 1]);
    });
  });

  it('says in a policy that others go before it, also of workloads that come later', async () => {
    const name = `e2e-operator-${process.pid}`;
    await apply({
      apiVersion: 'rightsize.dev/v1alpha1',
      kind: 'ClusterRightsizePolicy',
      metadata: { name },
      spec: { namespaceSelector: { matchLabels: nameLabel(scene.namespace) } },
    });
    const counts = async (workloadCount: number) => {
      const found = (await clusterPolicies(scene.connection)).get(name);
      assert.ok(found);
      assert.equal(conditionOf(found, 'Ready'), 'True OthersGoFirst');
      assert.deepEqual(countsOf(found), [workloadCount, 0]);
    };
    try {
      await until(10_000, () => counts(3));
      await apply(...sceneObjects(scene.namespace, [late]));
      await until(10_000, () => counts(4));
      await kubectl('-n', scene.namespace, 'delete', 'deployment', late.name);
      await until(10_000, () => counts(3));
    } finally {
      await kubectl('delete', 'clusterrightsizepolicy', name);
    }
  });

  const late: SceneWorkload = { kind: 'Deployment', name: 'late', containers: [{ name: 'late' }] };

  for (const cascade of ['background', 'foreground']) {
    it(`leaves no Recommendation of a workload that is deleted in the ${cascade}`, async () => {
      await apply(...sceneObjects(scene.namespace, [late]));
      await until(10_000, async () => assert.ok((await recommendations()).has('deployment-late')));
      const flag = `--cascade=${cascade}`;
      await kubectl('-n', scene.namespace, 'delete', 'deployment', late.name, flag);
      await until(20_000, async () => assert.ok(!(await recommendations()).has('deployment-late')));
      await until(10_000, async () =>
        assert.equal((await policyNamed('default')).status?.owned, 2),
      );
      assert.equal((await recommendations()).size, workloads.length);
    });
  }

  it('serves metrics that Prometheus accepts, with labels from closed sets', async () => {
    const { body } = await page('/metrics');
    assert.deepEqual(await checkMetrics(body), { code: 0, said: '' });
    assert.match(body, /^rightsize_leader 1$/m);
    assert.match(body, /^rightsize_workloads\{state="Recommended"\} 3$/m);
    assert.match(body, /^rightsize_usage_failing_workloads 0$/m);
    // Policies are named where promises are, and nothing else is.
    assert.match(body, /^rightsize_risk_promised\{policy="[^"]+",resource="cpu"\} 0\.05$/m);
    const unnamed = body.replaceAll(/ policy="[^"]+"|\{policy="[^"]+"/g, '');
    assert.doesNotMatch(
      unnamed,
      new RegExp(`${scene.namespace}|"web"|"db"|"report"|127\\.0\\.0\\.1`),
    );
  });

  it('answers for its health, and with 404 to anything else', async () => {
    assert.deepEqual(await page('/healthz'), { status: 200, body: 'ok\n' });
    assert.deepEqual(await page('/readyz'), { status: 200, body: 'ok\n' });
    assert.equal((await page('/')).status, 404);
    assert.equal((await page('/metrics/')).status, 404);
  });

  it('takes its Recommendations away with the policies', async () => {
    await kubectl('-n', scene.namespace, 'delete', 'rightsizepolicy', 'first');
    await until(10_000, async () => {
      const db = (await recommendations()).get('statefulset-db');
      assert.equal(policyOf(db), 'default');
    });
    await kubectl('-n', scene.namespace, 'delete', 'rightsizepolicy', 'default');
    await until(10_000, async () => assert.equal((await recommendations()).size, 0));
  });

  it('logs nothing but what happened: no refusal, no error', async () => {
    const lines = (await operator.log()).trim().split('\n');
    // Namespaces of other tests may be on their way out still.
    const ours = lines.filter((line) => !/e2e-(?!operator)/.test(line));
    const bad = ours.filter((line) => !line.startsWith('{"level":"info"'));
    assert.deepEqual(bad, []);
  });

  async function page(path: string): Promise<{ status: number; body: string }> {
    const response = await fetch(`${operator.url}${path}`, { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.text() };
  }

  async function usageReadings(): Promise<number> {
    return (await operator.log()).split('"usage read"').length - 1;
  }
});

function policyOf(recommendation: StoredRecommendation | undefined): string | undefined {
  return recommendation?.status?.policy?.name;
}

function countsOf({ status }: StoredPolicy): readonly (number | undefined)[] {
  return [status?.workloads, status?.owned];
}

function nameLabel(namespace: string): object {
  return { 'kubernetes.io/metadata.name': namespace };
}

async function checkMetrics(metrics: string): Promise<{ code: number; said: string }> {
  const child = spawn('promtool', ['check', 'metrics'], { timeout: 10_000 });
  child.stdin.end(metrics);
  const said = text(child.stderr);
  const [code] = (await once(child, 'exit')) as [number];
  return { code, said: await said };
}
