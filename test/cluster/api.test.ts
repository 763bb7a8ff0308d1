// The three kinds on a real API server: installing, defaults, refusals, columns, garbage collection.
//   test/cluster/run.sh mocha test/cluster/api.test.ts
import assert from 'node:assert/strict';
import { API_VERSION, GROUP, PLURALS } from '../../src/api/group.ts';
import { clusterRightsizePolicySpec, rightsizePolicySpec } from '../../src/api/policy.ts';
import {
  recommendationSpec,
  recommendationStatus,
  type RecommendationStatus,
} from '../../src/api/recommendation.ts';
import { applyStatus } from '../../src/kube/apply.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  installKinds,
  kubectl,
  until,
} from '../support/cluster.ts';
import { samples } from '../support/samples.ts';

const SPECS = {
  RightsizePolicy: rightsizePolicySpec,
  ClusterRightsizePolicy: clusterRightsizePolicySpec,
} as const;
type PolicyKind = keyof typeof SPECS;

interface CustomResourceDefinition {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions: readonly { type: string; status: string }[] };
}

async function getJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl('get', ...args, '-o', 'json')) as T;
}

/** Lines of a kubectl table without their last column, the age, and with one space between columns. */
function rowsWithoutAge(table: string): readonly string[] {
  return table.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | ').replace(/ \| \w+$/, ''));
}

const UID = 'jsonpath={.metadata.uid}';
const days = { from: '2026-11-09', to: '2026-11-23', days: 14 };

const status: RecommendationStatus = {
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      observedGeneration: 1,
      lastTransitionTime: '2026-11-23T15:00:00Z',
      reason: 'Recommended',
      message: 'A recommendation rests on 14 days of usage.',
    },
  ],
  mode: 'Recommend',
  policy: { kind: 'RightsizePolicy', name: 'balanced', uid: 'b1f5', generation: 1 },
  reason: 'RecommendOnly',
  summary: {
    cpu: '600m → 215m',
    memory: '1.1Gi → 484Mi',
    cpuRisk: '3.8% of 5%',
    memoryRisk: '0% of 1%',
    saves: '770m 1.3Gi',
    status: 'RecommendOnly',
    policy: 'RightsizePolicy/balanced',
    evidence: '14d',
    basis: 'OwnHistory',
    confidence: 'High',
  },
  admission: [
    { name: 'web', requests: { cpu: '180m', memory: '420Mi' }, limits: { memory: '420Mi' } },
  ],
  containers: [
    {
      name: 'web',
      kind: 'Container',
      current: {
        requests: { cpu: '500m', memory: '1Gi' },
        limits: { cpu: '1', memory: '1Gi' },
      },
      target: { requests: { cpu: '180m', memory: '420Mi' }, limits: { memory: '420Mi' } },
      uncapped: { cpu: '173m', memory: '418Mi' },
      cpu: {
        rule: 'the 95th percentile of 14 days (half-life 3 d) = 173m',
        promised: '5%',
        realised: '3.8%',
        observedDays: 13,
      },
      memory: {
        rule: 'the highest peak of 14 days, 363Mi, × 1.15 = 418Mi',
        promised: '1%',
        realised: '0%',
        observedDays: 13,
      },
      evidence: { ...days, pods: 2, basis: 'OwnHistory', confidence: 'High' },
      clamps: [
        {
          clamp: 'Rounding',
          resource: 'cpu',
          field: 'request',
          from: '173m',
          to: '180m',
          message: 'Rounded up to a value that is easy to read.',
        },
      ],
      explanation: 'CPU: the 95th percentile of 14 days. Memory: the highest peak with a margin.',
    },
    {
      name: 'istio-proxy',
      kind: 'Sidecar',
      current: { requests: { cpu: '100m', memory: '128Mi' } },
      target: { requests: { cpu: '35m', memory: '64Mi' }, limits: { memory: '64Mi' } },
      explanation: 'Little usage, so the lower bounds of the policy hold.',
    },
  ],
  savings: { cpu: '770m', memory: '1352Mi' },
};

describe('the API on a real API server', function () {
  this.timeout(90_000);
  const connection = directConnection();
  let namespace = '';

  before(async () => {
    await kubectl('apply', '-k', 'crds');
    await installKinds();
    namespace = await createNamespace('api');
  });

  after(async () => {
    await connection.close();
    if (namespace === '') return;
    await kubectl('delete', PLURALS.ClusterRightsizePolicy, namespace, '--ignore-not-found');
    await deleteNamespace(namespace);
  });

  describe('definitions', () => {
    it('are established, with the names that we asked for, and structural', async () => {
      for (const plural of Object.values(PLURALS)) {
        const { status } = await getJson<CustomResourceDefinition>('crd', `${plural}.${GROUP}`);
        const holds = status.conditions.filter((condition) => condition.status === 'True');
        const types = holds.map((condition) => condition.type).sort();
        assert.deepEqual(types, ['Established', 'NamesAccepted'], plural);
      }
    });

    it('are found by plural, short name and category', async () => {
      const served = await kubectl('api-resources', `--api-group=${GROUP}`, '--no-headers');
      for (const names of [/^rightsizepolicies +rsp /m, /^clusterrightsizepolicies +crsp /m]) {
        assert.match(served, names);
      }
      assert.match(served, /^recommendations +rsrec /m);
      await kubectl('-n', namespace, 'get', 'rightsizepolicies,crsp,recommendations');
      await kubectl('-n', namespace, 'get', 'rsp,clusterrightsizepolicies,rsrec');
      await storedSpec('RightsizePolicy', {});
      const found = await kubectl('-n', namespace, 'get', 'rightsize', '-o', 'name');
      assert.match(found, /^rightsizepolicy\./m);
    });

    for (const path of [
      'rightsizepolicy.spec',
      'rightsizepolicy.spec.changes',
      'clusterrightsizepolicy.spec.guardrails',
      'recommendation.status',
      'recommendation.status.containers',
      'recommendation.status.containers.evidence',
    ]) {
      it(`are explained in every field by kubectl explain ${path}`, async () => {
        const text = await kubectl('explain', path);
        assert.match(text, /FIELDS:/);
        assert.doesNotMatch(text, /<no description>/);
      });
    }
  });

  /** Creates a policy anew, under a name that nobody else has, and answers with the spec that the server keeps. */
  async function storedSpec(kind: PolicyKind, spec: object): Promise<unknown> {
    const name = namespace;
    const metadata = kind === 'RightsizePolicy' ? { name, namespace } : { name };
    await kubectl('-n', namespace, 'delete', PLURALS[kind], name, '--ignore-not-found');
    await apply({ apiVersion: API_VERSION, kind, metadata, spec });
    return (await getJson<{ spec: unknown }>('-n', namespace, PLURALS[kind], name)).spec;
  }

  describe('defaults', () => {
    const minimal: Readonly<Record<string, { kind: PolicyKind; spec: object }>> = {
      'an empty policy': { kind: 'RightsizePolicy', spec: {} },
      'an empty cluster policy': { kind: 'ClusterRightsizePolicy', spec: {} },
      'a policy whose objects are all empty': {
        kind: 'RightsizePolicy',
        spec: {
          selector: {},
          riskTolerance: { cpu: {}, memory: {} },
          history: {},
          limits: {},
          bounds: { minAllowed: {} },
          containers: [{ name: '*', riskTolerance: {}, limits: {}, bounds: {} }],
          changes: { increase: {}, decrease: {}, rollback: {} },
        },
      },
      'a window without a time zone': {
        kind: 'RightsizePolicy',
        spec: { changes: { windows: [{ schedule: '0 2 * * *', duration: '4h' }] } },
      },
      'a cluster policy with empty guardrails': {
        kind: 'ClusterRightsizePolicy',
        spec: { namespaceSelector: {}, guardrails: { maxRisk: {} } },
      },
    };
    for (const [title, { kind, spec }] of Object.entries(minimal)) {
      it(`are the server's as they are ours in ${title}`, async () => {
        assert.deepEqual(await storedSpec(kind, spec), SPECS[kind].parse(spec));
      });
    }
  });

  describe('samples', () => {
    for (const { name, file, kind, object } of samples('valid')) {
      it(`accepts ${name}, and stores what our own parser reads`, async () => {
        // kubectl reads another version of YAML than we do.
        const read = await kubectl('create', '--dry-run=client', '-o', 'json', '-f', file);
        const { spec } = JSON.parse(read) as { spec: object };
        const policyKind = kind as PolicyKind;
        assert.deepEqual(await storedSpec(policyKind, spec), SPECS[policyKind].parse(object.spec));
      });
    }

    for (const { name, file, wantMessage } of samples('invalid')) {
      it(`refuses ${name} with our sentence`, async () => {
        assert.ok(wantMessage, `${file} does not begin with "# expect: "`);
        await assert.rejects(
          kubectl('-n', namespace, 'create', '--dry-run=server', '-f', file),
          (error: Error & { stderr?: string }) => {
            // One line, one reason: nothing else may be wrong with the sample.
            const [line = ''] = error.stderr?.trim().split('\n') ?? [];
            assert.ok(line.endsWith(`: ${wantMessage}`), error.stderr);
            return true;
          },
        );
      });
    }
  });

  describe('a recommendation', () => {
    const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart' };
    const name = 'deployment-cart';

    before(async () => {
      await apply(deployment('cart'));
      const owner = await kubectl('-n', namespace, 'get', 'deployment', 'cart', '-o', UID);
      await apply({
        apiVersion: API_VERSION,
        kind: 'Recommendation',
        metadata: { name, namespace, ownerReferences: [{ ...targetRef, uid: owner }] },
        spec: recommendationSpec.parse({ targetRef }),
      });
      const at = { apiVersion: API_VERSION, plural: PLURALS.Recommendation, namespace, name };
      const body = { kind: 'Recommendation', metadata: { name }, status };
      await applyStatus(connection, at, body, { conflicts: 'Force' });
    });

    it('keeps the whole status that our own parser reads', async () => {
      const stored = await getJson<{ status: unknown }>('-n', namespace, 'rsrec', name);
      assert.deepEqual(stored.status, status);
      assert.deepEqual(recommendationStatus.parse(stored.status), status);
    });

    it('reads as one line in kubectl get', async () => {
      assert.deepEqual(rowsWithoutAge(await kubectl('-n', namespace, 'get', 'recommendations')), [
        'NAME | MODE | CPU | MEMORY | CPU RISK | MEM RISK | SAVES | STATUS',
        'deployment-cart | Recommend | 600m → 215m | 1.1Gi → 484Mi | 3.8% of 5% | 0% of 1% | 770m 1.3Gi | RecommendOnly',
      ]);
    });

    it('adds policy and evidence with -o wide', async () => {
      const table = await kubectl('-n', namespace, 'get', 'recommendations', '-o', 'wide');
      assert.match(table, /AGE +POLICY +EVIDENCE +BASIS +CONFIDENCE/);
      assert.match(table, /RightsizePolicy\/balanced +14d +OwnHistory +High/);
    });

    it('tells the whole story in kubectl describe', async () => {
      const text = await kubectl('-n', namespace, 'describe', 'recommendation', name);
      for (const line of [
        /Explanation: +CPU: the 95th percentile of 14 days\./,
        /Rule: +the highest peak of 14 days, 363Mi, × 1\.15 = 418Mi/,
        /Confidence: +High/,
        /Message: +A recommendation rests on 14 days of usage\./,
      ]) {
        assert.match(text, line);
      }
    });

    it('stays with its workload, whoever writes', async () => {
      const other = { spec: { targetRef: { ...targetRef, name: 'web' } } };
      const patch = ['patch', 'rsrec', name, '--type=merge', '-p', JSON.stringify(other)];
      await assert.rejects(
        kubectl('-n', namespace, ...patch),
        /targetRef of a Recommendation does not change: leave it as it is/,
      );
    });

    it('is garbage-collected with its workload', async () => {
      await kubectl('-n', namespace, 'delete', 'deployment', 'cart');
      // The garbage collector looks for new kinds every 30 seconds only.
      await until(60_000, async () => {
        const left = await kubectl('-n', namespace, 'get', 'recommendations', '-o', 'name');
        assert.equal(left, '');
      });
    });
  });

  function deployment(name: string): object {
    const labels = { app: name };
    const container = { name: 'web', image: 'localhost/busybox:1', imagePullPolicy: 'Never' };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    };
  }
});
