// What binds from outside: LimitRange, quota, QoS class, autoscaler. test/acting/run.sh
import assert from 'node:assert/strict';
import { calm } from '../support/acting-calm.ts';
import { assertCreatable, limitRange } from '../support/acting-limits.ts';
import type { Scene } from '../support/acting.ts';
import { actualOf, isReady, restartsOf, sizeText, specOf, within } from '../support/acting-pods.ts';
import { heldOf, recommendationOf, stateIs } from '../support/acting-records.ts';
import { kubectl } from '../support/cluster.ts';

const MI = 2 ** 20;
const apiVersion = 'v1';

calm.scenario(
  '9 LimitRange max',
  {
    name: 'max',
    objects: [limitRange({ max: { cpu: '1', memory: '96Mi' } })],
    workloads: [
      {
        kind: 'Deployment',
        name: 'large',
        resources: {
          requests: { cpu: '50m', memory: '48Mi' },
          limits: { cpu: '200m', memory: '48Mi' },
        },
        used: { cpu: 0.03, memoryMi: 150 },
      },
    ],
    policy: { limits: { cpu: { strategy: 'Keep' } } },
  },
  (step) => {
    step('raises memory up to it and no further, and pods stay creatable', async (scene) => {
      const pod = await scene.pod('large', 150, (each) => {
        assert.equal(specOf(each).memoryLimit, 96 * MI, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
      assert.equal(restartsOf(pod), 0);
      await assertCreatable(scene, 'large');
      return `48Mi → ${sizeText(pod)} of 150Mi used, at most 96Mi; a new pod runs`;
    });
  },
);

calm.scenario(
  '9 LimitRange ratio',
  {
    name: 'ratio',
    objects: [limitRange({ maxLimitRequestRatio: { cpu: '2' } })],
    workloads: [
      {
        kind: 'Deployment',
        name: 'even',
        resources: {
          requests: { cpu: '150m', memory: '128Mi' },
          limits: { cpu: '200m', memory: '128Mi' },
        },
        used: { cpu: 0.03, memoryMi: 40 },
      },
    ],
    policy: { limits: { cpu: { strategy: 'Keep' } } },
  },
  (step) => {
    step('lowers no further than the ratio allows, and pods stay creatable', async (scene) => {
      const pod = await scene.pod('even', 150, (each) => {
        assert.ok((specOf(each).memory ?? 0) < 100 * MI, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
      const { cpu = 0, cpuLimit = Infinity } = specOf(pod);
      assert.ok(cpuLimit <= 2 * cpu + 1e-9, sizeText(pod));
      assert.ok(cpu < 0.15, sizeText(pod));
      await assertCreatable(scene, 'even');
      return `150m of 200m → ${sizeText(pod)}, ratio ${(cpuLimit / cpu).toFixed(1)} of 2; a new pod runs`;
    });
  },
);

/** Room for one of the two that want about 125Mi more each. */
const HARD_MI = 250;

calm.scenario(
  '9 ResourceQuota',
  {
    name: 'quota',
    objects: [
      {
        apiVersion,
        kind: 'ResourceQuota',
        metadata: { name: 'quota' },
        spec: { hard: { 'requests.memory': `${HARD_MI}Mi` } },
      },
    ],
    workloads: ['one', 'two'].map((name) => ({
      kind: 'Deployment',
      name,
      resources: { requests: { cpu: '20m', memory: '48Mi' }, limits: { memory: '400Mi' } },
      used: { cpu: 0.01, memoryMi: 150 },
    })),
  },
  (step) => {
    step(
      'raises one of two and holds the other, and a pod that goes is made anew',
      async (scene) => {
        const memory = async (app: string) => specOf(await scene.pod(app)).memory ?? 0;
        const sum = async () => (await memory('one')) + (await memory('two'));
        const total = await within(150, async () => {
          const now = await sum();
          assert.ok(now > 96 * MI, `${now / MI} MiB`);
          return now;
        });
        assert.ok(total <= HARD_MI * MI);
        const before = await scene.pod('one');
        await scene.kubectl('delete', 'pod', before.metadata.name, '--wait=true');
        const after = await scene.pod('one', 40, (pod) => assert.ok(isReady(pod)));
        assert.notEqual(after.metadata.uid, before.metadata.uid);
        assert.ok((await sum()) <= HARD_MI * MI);
        const states = await Promise.all(
          ['one', 'two'].map(async (name) => {
            const found = await recommendationOf(scene, `deployment-${name}`);
            return found.status?.summary?.status ?? '';
          }),
        );
        return `96Mi → ${total / MI}Mi of ${HARD_MI}Mi in all (${states.join(', ')}); a deleted pod is back`;
      },
    );
  },
);

calm.scenario(
  '10 QoS and other resources',
  {
    name: 'classes',
    workloads: [
      {
        kind: 'Deployment',
        name: 'guaranteed',
        resources: {
          requests: { cpu: '100m', memory: '160Mi' },
          limits: { cpu: '100m', memory: '160Mi' },
        },
        used: { cpu: 0.02, memoryMi: 40 },
      },
      {
        kind: 'Deployment',
        name: 'burstable',
        resources: {
          requests: {
            cpu: '100m',
            memory: '160Mi',
            'ephemeral-storage': '20Mi',
            'example.com/card': '1',
          },
          limits: {
            cpu: '300m',
            memory: '160Mi',
            'ephemeral-storage': '50Mi',
            'example.com/card': '1',
          },
        },
        used: { cpu: 0.02, memoryMi: 40 },
      },
    ],
    prepare: () =>
      kubectl(
        ...['patch', 'node', 'localhost', '--subresource=status', '--type=merge'],
        ...['-p', JSON.stringify({ status: { capacity: { 'example.com/card': '4' } } })],
      ),
  },
  (step) => {
    const lowered = (scene: Scene, app: string) =>
      scene.pod(app, 150, (each) => {
        assert.ok((specOf(each).memory ?? 0) < 120 * MI, sizeText(each));
        assert.ok((specOf(each).cpu ?? 0) < 0.08, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
    step('keeps Guaranteed, in place and at creation', async (scene) => {
      const pod = await lowered(scene, 'guaranteed');
      assert.equal(pod.status.qosClass, 'Guaranteed');
      const { cpu, cpuLimit, memory, memoryLimit } = specOf(pod);
      assert.deepEqual([cpu, memory], [cpuLimit, memoryLimit]);
      await scene.kubectl('delete', 'pod', pod.metadata.name, '--wait=true');
      const next = await scene.pod('guaranteed', 40, (each) => assert.ok(isReady(each)));
      assert.equal(next.status.qosClass, 'Guaranteed');
      return `Guaranteed: 100m/160Mi → ${sizeText(pod)}, the next pod ${sizeText(next)}`;
    });
    step('keeps Burstable, extended resources and ephemeral-storage', async (scene) => {
      const pod = await lowered(scene, 'burstable');
      assert.equal(pod.status.qosClass, 'Burstable');
      const { requests, limits } = pod.spec.containers[0]?.resources ?? {};
      const others = { 'ephemeral-storage': '20Mi', 'example.com/card': '1' };
      assert.partialDeepStrictEqual(requests, others);
      assert.partialDeepStrictEqual(limits, { ...others, 'ephemeral-storage': '50Mi' });
      return `Burstable: 100m/160Mi → ${sizeText(pod)}; card 1, ephemeral-storage 20Mi/50Mi as before`;
    });
  },
);

calm.scenario(
  '11 autoscaled on CPU',
  {
    name: 'autoscaled',
    workloads: [
      {
        kind: 'Deployment',
        name: 'api',
        resources: { requests: { cpu: '100m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.02, memoryMi: 40 },
      },
    ],
    objects: [
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'api' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
          minReplicas: 1,
          maxReplicas: 3,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
            },
          ],
        },
      },
    ],
  },
  (step) => {
    step('keeps CPU as it is and sizes memory all the same', async (scene) => {
      const pod = await scene.pod('api', 150, (each) => {
        assert.ok((specOf(each).memory ?? 0) < 120 * MI, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
      assert.equal(specOf(pod).cpu, 0.1);
      assert.equal(restartsOf(pod), 0);
      const { status } = await recommendationOf(scene, 'deployment-api');
      assert.equal(status?.containers?.[0]?.cpu?.reason, 'HPAOwnsCPU');
      return `100m/160Mi → ${sizeText(pod)}; CPU: HPAOwnsCPU; ${heldOf({ ...(await stateIs(scene, 'deployment-api', /./)) })}`;
    });
  },
);
