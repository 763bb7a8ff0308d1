// What a recommendation must not do to a new pod: keep it from being made, or change its QoS class.
//   test/cluster/run.sh mocha test/cluster/admission-safety.test.ts
import assert from 'node:assert/strict';
import { isKubeError } from '../../src/kube/errors.ts';
import {
  admitted,
  installAdmission,
  recommend,
  scalable,
  settled,
  storedSizes,
  uninstallAdmission,
  type PodSetup,
  type Resources,
  type SizesByContainer,
} from '../support/admission.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  kubectl,
  until,
} from '../support/cluster.ts';

const of = (cpu: string, memory: string) => ({ cpu, memory });
const GUARANTEED: Resources = { requests: of('1', '1Gi'), limits: of('1', '1Gi') };
const BURSTABLE: Resources = { requests: of('500m', '512Mi'), limits: of('1', '1Gi') };

describe('admission, safely', function () {
  this.timeout(90_000);
  const connection = directConnection();
  const namespaces: string[] = [];

  before(async () => {
    await installAdmission();
  });

  after(async () => {
    await uninstallAdmission();
    for (const namespace of namespaces) await deleteNamespace(namespace);
    await connection.close();
  });

  async function open(prefix: string): Promise<string> {
    const namespace = await createNamespace(prefix);
    namespaces.push(namespace);
    return namespace;
  }

  const owner = { kind: 'StatefulSet', apiVersion: 'apps/v1', name: 'main' };
  const target = { kind: 'StatefulSet', name: 'main' };

  interface Case {
    readonly target: SizesByContainer | undefined;
    readonly pod: Omit<PodSetup, 'owner'>;
    /** As the template says, unless stated. */
    readonly expect?: SizesByContainer;
  }

  const burstable = { containers: { main: BURSTABLE } };
  const CASES: Readonly<Record<string, Case>> = {
    'makes the pod unchanged by a Recommendation without a status': {
      target: undefined,
      pod: burstable,
    },
    'makes the pod unchanged by amounts that are none': {
      target: { main: { requests: of('a lot', '1Gi') } },
      pod: burstable,
    },
    'makes the pod unchanged by amounts below zero': {
      target: { main: { requests: of('-1', '1Gi') } },
      pod: burstable,
    },
    'makes the pod unchanged by a request above its limit': {
      target: { main: { requests: of('2', '1Gi'), limits: of('1', '1Gi') } },
      pod: burstable,
    },
    'makes the pod unchanged by a limit below the request of the template': {
      target: { main: { limits: of('100m', '1Gi') } },
      pod: burstable,
    },
    'makes the whole pod unchanged when one container cannot be sized': {
      target: { main: { requests: of('100m', '1Gi') }, other: { requests: of('-1', '1Gi') } },
      pod: { containers: { main: BURSTABLE, other: BURSTABLE } },
    },
    'leaves a pod alone that has sizes of its own': {
      target: { main: { requests: of('100m', '256Mi') } },
      pod: { ...burstable, spec: { resources: { requests: of('500m', '512Mi') } } },
    },
    'keeps Guaranteed pods Guaranteed': {
      target: { main: { requests: of('100m', '256Mi'), limits: of('100m', '256Mi') } },
      pod: { containers: { main: GUARANTEED } },
      expect: { main: { requests: of('100m', '256Mi'), limits: of('100m', '256Mi') } },
    },
    'does not make a Guaranteed pod Burstable': {
      target: { main: { requests: of('100m', '256Mi'), limits: { memory: '256Mi' } } },
      pod: { containers: { main: GUARANTEED } },
    },
    'does not make a Guaranteed pod Burstable by one of its containers': {
      target: { main: { requests: of('100m', '256Mi') } },
      pod: { containers: { main: GUARANTEED, other: GUARANTEED } },
    },
    'does not make a Burstable pod Guaranteed': {
      target: { main: { requests: of('100m', '256Mi'), limits: of('100m', '256Mi') } },
      pod: burstable,
    },
    'sizes a Burstable pod whose other container would not be Guaranteed': {
      target: { main: { requests: of('100m', '256Mi'), limits: of('100m', '256Mi') } },
      pod: { containers: { main: BURSTABLE, other: {} } },
      expect: { main: { requests: of('100m', '256Mi'), limits: of('100m', '256Mi') }, other: {} },
    },
    'takes a limit away that has none recommended, and keeps the others': {
      target: { main: { requests: of('2', '512Mi'), limits: { memory: '768Mi' } } },
      pod: burstable,
      expect: { main: { requests: of('2', '512Mi'), limits: { memory: '768Mi' } } },
    },
    'compares amounts and not how they are written': {
      target: { main: { requests: of('0.5', '0.5Gi'), limits: of('500m', '512Mi') } },
      pod: { containers: { main: GUARANTEED } },
      expect: { main: { requests: of('500m', '512Mi'), limits: of('500m', '512Mi') } },
    },
  };

  describe('of one pod', () => {
    let namespace = '';
    before(async () => {
      namespace = await open('admission-pod');
    });
    for (const [title, { target: sizes, pod, expect = pod.containers }] of Object.entries(CASES)) {
      it(title, async () => {
        const name = `case-${Object.keys(CASES).indexOf(title)}`;
        await recommend(connection, namespace, { ...target, name }, sizes);
        await settled(connection, namespace);
        const setup = { ...pod, owner: { ...owner, name } };
        assert.deepEqual(await admitted(connection, namespace, setup), expect);
      });
    }
  });

  /** Applies a LimitRange or a quota, and waits until a pod without sizes is changed or refused by it. */
  async function impose(namespace: string, rule: object): Promise<void> {
    await apply(rule);
    const bare = { containers: { main: {} } };
    await until(20_000, async () => {
      const pod = await admitted(connection, namespace, bare).catch((error: unknown) => {
        if (!isKubeError(error, 'Forbidden')) throw error;
      });
      assert.notDeepEqual(pod, bare.containers);
    });
  }

  /** A Deployment is scaled to two pods under this rule of the namespace; its pods' sizes are the answer. */
  async function scaledUnder(
    namespace: string,
    rule: object,
    template: Resources,
    recommended: Resources,
  ): Promise<readonly (Resources | undefined)[]> {
    const shop = { kind: 'Deployment', name: 'shop' };
    await recommend(connection, namespace, shop, { main: recommended });
    await settled(connection, namespace);
    await impose(namespace, rule);
    const at = { namespace, name: 'shop', replicas: 2 };
    await apply(scalable('Deployment', at, { main: template }));
    return (await storedSizes(namespace, 'shop', 2)).map(({ main }) => main);
  }

  const rule = (kind: string, namespace: string, spec: object) => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'rule', namespace },
    spec,
  });
  const limitRange = (namespace: string, item: object) =>
    rule('LimitRange', namespace, { limits: [{ type: 'Container', ...item }] });

  describe('under the rules of a namespace', () => {
    it('makes pods whose sizes keep a LimitRange', async () => {
      const namespace = await open('admission-range');
      const item = {
        min: of('50m', '64Mi'),
        max: of('1', '1Gi'),
        maxLimitRequestRatio: { cpu: '4' },
      };
      const to = { requests: of('100m', '256Mi'), limits: of('400m', '256Mi') };
      const range = limitRange(namespace, item);
      assert.deepEqual(await scaledUnder(namespace, range, BURSTABLE, to), [to, to]);
    });

    it('takes a limit away also where a LimitRange has a default for it, below the request', async () => {
      const namespace = await open('admission-default');
      const range = limitRange(namespace, { default: of('200m', '256Mi') });
      const to = { requests: of('700m', '300Mi'), limits: { memory: '300Mi' } };
      assert.deepEqual(await scaledUnder(namespace, range, BURSTABLE, to), [to, to]);
    });

    it('makes pods that fit a quota as recommended, and not as the template says', async () => {
      const namespace = await open('admission-quota');
      const hard = { 'requests.cpu': '300m', 'limits.memory': '600Mi', pods: '2' };
      const quota = rule('ResourceQuota', namespace, { hard });
      const to = { requests: of('100m', '256Mi'), limits: of('400m', '256Mi') };
      assert.deepEqual(await scaledUnder(namespace, quota, BURSTABLE, to), [to, to]);
      const used = await kubectl(
        ...['-n', namespace, 'get', 'quota', 'rule'],
        ...['-o', 'jsonpath={.status.used.requests\\.cpu}'],
      );
      assert.equal(used, '200m');
    });

    const refused = (namespace: string, pod: PodSetup, message: RegExp) =>
      assert.rejects(
        admitted(connection, namespace, pod),
        (error: Error) => isKubeError(error, 'Forbidden') && message.test(error.message),
      );

    it('lets LimitRange, quota and Pod Security decide about what is recommended', async () => {
      const namespace = await open('admission-rules');
      const to = { requests: of('800m', '256Mi'), limits: of('900m', '256Mi') };
      await recommend(connection, namespace, target, { main: to });
      await settled(connection, namespace);
      const pod = { owner, containers: { main: BURSTABLE } };
      assert.deepEqual(await admitted(connection, namespace, pod), { main: to });

      const enforce = 'pod-security.kubernetes.io/enforce';
      await kubectl('label', 'namespace', namespace, `${enforce}=restricted`);
      await refused(namespace, pod, /violates PodSecurity/);
      await kubectl('label', 'namespace', namespace, `${enforce}-`);

      await impose(namespace, limitRange(namespace, { max: { cpu: '600m' } }));
      await refused(namespace, pod, /maximum cpu usage per Container is 600m/);
      await kubectl('-n', namespace, 'delete', 'limitrange', 'rule');

      const hard = { 'requests.cpu': '600m' };
      await impose(namespace, rule('ResourceQuota', namespace, { hard }));
      await refused(namespace, pod, /exceeded quota/);
    });
  });
});
