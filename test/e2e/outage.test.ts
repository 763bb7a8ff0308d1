// What becomes of recommendations while Prometheus is away, answers nonsense, or lacks a part.
//   test/cluster/run.sh mocha test/e2e/outage.test.ts
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { apply, until } from '../support/cluster.ts';
import { LocalServer } from '../support/local-server.ts';
import type { RunningOperator } from '../support/operator.ts';
import { startPrometheus } from '../support/prometheus.ts';
import {
  conditionOf,
  policiesIn,
  recommendationsIn,
  targetsOf,
  type StoredPolicy,
  type StoredRecommendation,
} from '../support/own-objects.ts';
import { rightsize } from '../support/rightsize.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    containers: [
      {
        name: 'web',
        uses: { cpu: [0.1, 0.4], memoryMi: 300 },
        requests: { cpu: 1, memory: 2 ** 30 },
      },
    ],
  },
  {
    kind: 'StatefulSet',
    name: 'web-api',
    containers: [
      {
        name: 'api',
        uses: { cpu: [0.5, 0.9], memoryMi: 500 },
        requests: { cpu: 1, memory: 2 ** 30 },
      },
    ],
  },
];
/** First retry after 15 s, spread by a fifth, and the client's own retries before. */
const RETRIED_MS = 30_000;

describe('the operator in an outage of Prometheus', function () {
  this.timeout(60_000);
  let scene: Scene;
  let operator: RunningOperator;
  let targets: readonly string[];
  let said: StoredPolicy['status'];

  before(async () => {
    scene = await openScene({ prefix: 'e2e-outage', workloads });
    await scene.prometheus().halt();
  });

  after(async () => {
    await scene.close();
  });

  const recommendations = () => recommendationsIn(scene.connection, scene.namespace);

  async function policyNow(): Promise<StoredPolicy> {
    const found = (await policiesIn(scene.connection, scene.namespace)).get('default');
    assert.ok(found);
    return found;
  }

  /** Once every Recommendation has this Degraded condition, or none. */
  function degraded(
    want: string | undefined,
    deadlineMs: number,
  ): Promise<ReadonlyMap<string, StoredRecommendation>> {
    return until(deadlineMs, async () => {
      const found = await recommendations();
      assert.equal(found.size, workloads.length);
      for (const each of found.values()) assert.equal(conditionOf(each, 'Degraded'), want);
      return found;
    });
  }

  it('says on each object that usage cannot be read, from the start', async () => {
    operator = await scene.operator({ flags: ['--refresh=2s'] });
    await apply(policy(scene.namespace, 'default'));
    const found = await degraded('True PrometheusUnreachable', 20_000);
    // As they are now: without usage there is nothing to go by.
    assert.deepEqual(targetsOf(found), [
      'deployment-web/web cpu=1 memory=1073741824',
      'statefulset-web-api/api cpu=1 memory=1073741824',
    ]);
    await until(5_000, async () => {
      assert.equal(conditionOf(await policyNow(), 'Ready'), 'False PrometheusUnreachable');
    });
  });

  it('recommends by itself once Prometheus is there', async () => {
    await scene.prometheus().start();
    const found = await degraded(undefined, RETRIED_MS);
    targets = targetsOf(found);
    assert.equal(targets.length, workloads.length);
    ({ status: said } = await until(5_000, async () => {
      const now = await policyNow();
      assert.equal(conditionOf(now, 'Ready'), 'True Recommending');
      return now;
    }));
  });

  it('keeps targets that it has, and says why they are not new', async () => {
    await scene.prometheus().halt();
    const found = await degraded('True PrometheusUnreachable', 20_000);
    assert.deepEqual(targetsOf(found), targets);
    for (const each of found.values()) {
      assert.equal(conditionOf(each, 'Ready'), 'True Recommended');
      const message = each.status?.conditions?.find(({ type }) => type === 'Degraded')?.message;
      assert.match(message ?? '', /the last recommendation stays: .*the connection was refused$/);
    }
  });

  it('keeps them over a restart of its own, and what the policy says of them', async () => {
    const before = await recommendations();
    assert.equal(await operator.end('SIGTERM'), 0);
    operator = await scene.operator({ flags: ['--refresh=2s'] });
    await until(20_000, async () =>
      assert.match(await operator.log(), /"level":"warn".*"usage cannot be read: /),
    );
    assert.deepEqual(versionsOf(await recommendations()), versionsOf(before));
    // A new generation makes the new process say what it thinks of the policy.
    await apply(policy(scene.namespace, 'default', { priority: 1 }));
    const { status } = await until(10_000, async () => {
      const now = await policyNow();
      assert.equal(now.status?.observedGeneration, 2);
      return now;
    });
    assert.ok(status);
    assert.equal(conditionOf({ status }, 'Ready'), 'False PrometheusUnreachable');
    assert.equal(status.recommended, said?.recommended);
    assert.deepEqual(status.savings, said?.savings);
    assert.deepEqual(targetsOf(await recommendations()), targets);
  });

  it('comes to the same targets when Prometheus is back', async () => {
    await scene.prometheus().start();
    assert.deepEqual(targetsOf(await degraded(undefined, RETRIED_MS)), targets);
  });

  it('says when a policy selects nothing', async () => {
    await apply(
      policy(scene.namespace, 'nothing', { selector: { matchLabels: { app: 'not-there' } } }),
    );
    await until(10_000, async () => {
      const found = (await policiesIn(scene.connection, scene.namespace)).get('nothing');
      assert.ok(found);
      assert.equal(conditionOf(found, 'Ready'), 'True NoWorkloadsMatch');
      assert.equal(found.status?.workloads, 0);
    });
  });

  it('lowers nothing when Prometheus has lost its memory, and says why', async () => {
    await operator.end('SIGTERM');
    const empty = await startPrometheus();
    try {
      operator = await scene.operator({ prometheusUrl: empty.url });
      await until(15_000, async () => {
        for (const { status } of (await recommendations()).values()) {
          assert.equal(status?.reason, 'NoHistory');
        }
      });
      assert.doesNotMatch(await operator.log(), /"level":"error"/);
    } finally {
      await operator.end('SIGTERM');
      await empty.stop();
    }
    operator = await scene.operator();
    await until(15_000, async () => assert.deepEqual(targetsOf(await recommendations()), targets));
  });

  const wrongServers: Readonly<
    Record<string, { serve: (response: ServerResponse) => void; want: string }>
  > = {
    'answers with a web page': {
      serve: (response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
      want: 'True PrometheusAnswerInvalid',
    },
    'has no such path': {
      serve: (response) => response.writeHead(404).end('404 page not found\n'),
      want: 'True PrometheusRefused',
    },
    'answers with half of its JSON': {
      serve: (response) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"na'),
      want: 'True PrometheusAnswerInvalid',
    },
  };

  for (const [title, { serve, want }] of Object.entries(wrongServers)) {
    it(`says so when the server ${title}, and keeps the targets`, async () => {
      await operator.end('SIGTERM');
      const server = new LocalServer((_request, response) => serve(response));
      try {
        operator = await scene.operator({ prometheusUrl: await server.start() });
        const found = await degraded(want, 15_000);
        assert.deepEqual(targetsOf(found), targets);
      } finally {
        await server.stop();
      }
    });
  }
});

describe('the operator without kube-state-metrics', function () {
  this.timeout(60_000);
  let scene: Scene;

  before(async () => {
    scene = await openScene({
      prefix: 'e2e-bare',
      workloads,
      prometheus: 'WithoutOwnerMetrics',
    });
  });

  after(async () => {
    await scene.close();
  });

  it('recommends by the names of pods, and says once what is missing', async () => {
    const operator = await scene.operator({ flags: ['--refresh=1s'] });
    await apply(policy(scene.namespace, 'default'));
    const found = await until(20_000, async () => {
      const now = await recommendationsIn(scene.connection, scene.namespace);
      assert.equal(targetsOf(now).length, workloads.length);
      return now;
    });
    for (const { status } of found.values()) {
      assert.equal(status?.containers?.[0]?.evidence?.pods, 1);
    }
    await until(20_000, async () => {
      const log = await operator.log();
      assert.ok(log.split('"usage read"').length > 4, 'usage read again and again');
      assert.equal(log.split('OwnerMetricsMissing').length - 1, 1);
    });
  });

  it('is reported on without a failure, with a note of what is missing', async () => {
    const url = `--prometheus-url=${scene.prometheus().url}`;
    const { code, stderr } = await rightsize(['recommend', url, '-n', scene.namespace]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /kube_\w+.*\n2 workloads: /);
  });
});

function versionsOf(recommendations: ReadonlyMap<string, StoredRecommendation>): readonly string[] {
  return [...recommendations.values()].map(({ metadata }) => metadata.resourceVersion);
}
