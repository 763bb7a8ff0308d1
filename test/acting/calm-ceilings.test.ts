// Where a rescue ends, and what is left to its author. test/acting/run.sh
import assert from 'node:assert/strict';
import { calm } from '../support/acting-calm.ts';
import { assertCreatable, limitRange } from '../support/acting-limits.ts';
import { actualOf, load, sizeText, specOf } from '../support/acting-pods.ts';
import { heldOf, recommendationOf, stateIs } from '../support/acting-records.ts';

const MI = 2 ** 20;

calm.scenario(
  '9 LimitRange and a rescue',
  {
    name: 'capped',
    objects: [limitRange({ max: { memory: '96Mi' }, maxLimitRequestRatio: { memory: '1.5' } })],
    workloads: [
      {
        kind: 'Deployment',
        name: 'hog',
        // Without a limit on CPU, which filling memory would run into, and be raised for.
        resources: { requests: { cpu: '20m', memory: '48Mi' }, limits: { memory: '64Mi' } },
        used: { cpu: 0.01, memoryMi: 30 },
      },
    ],
    policy: {
      bounds: { minAllowed: { cpu: '20m', memory: '48Mi' } },
      limits: { cpu: { strategy: 'Keep' }, memory: { strategy: 'Keep' } },
    },
  },
  (step) => {
    step('raises up to the max at once, the request by the ratio, and says so', async (scene) => {
      const first = await scene.pod('hog');
      await stateIs(scene, 'deployment-hog', /Fits|Applied/, 90);
      await load(scene.namespace, first, { memoryMi: 80 });
      const start = performance.now();
      const pod = await scene.pod('hog', 90, (each) => {
        assert.equal(specOf(each).memoryLimit, 96 * MI, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
      const seconds = (performance.now() - start) / 1000;
      assert.equal(pod.metadata.uid, first.metadata.uid);
      assert.ok((specOf(pod).memory ?? 0) >= 64 * MI, sizeText(pod));
      const { status } = await recommendationOf(scene, 'deployment-hog');
      const why = status?.history?.at(-1)?.why ?? '';
      assert.match(why, /up to the max of a LimitRange/);
      return `64Mi → ${sizeText(pod)} in ${seconds.toFixed(0)} s, at most 96Mi and 1.5 times; record: ${why}`;
    });
    step('is held at the max where it needs more', async (scene) => {
      // More than 90 % of the max with the shell beside it, and not so much that it is killed.
      await load(scene.namespace, await scene.pod('hog'), { memoryMi: 87 });
      const held = await stateIs(scene, 'deployment-hog', 'Held:AtCeiling');
      await assertCreatable(scene, 'hog');
      return heldOf(held);
    });
  },
);

calm.scenario(
  '9 pod-level resources',
  {
    name: 'whole',
    workloads: [
      {
        kind: 'Deployment',
        name: 'whole',
        resources: { requests: { cpu: '60m', memory: '100Mi' } },
        podResources: {
          requests: { cpu: '80m', memory: '128Mi' },
          limits: { cpu: '200m', memory: '128Mi' },
        },
        used: { cpu: 0.03, memoryMi: 40 },
      },
    ],
  },
  (step) => {
    step('are left alone, of pods that run and of new ones', async (scene) => {
      const before = await scene.pod('whole');
      const held = await stateIs(scene, 'deployment-whole', 'Held:PodLevelResources', 90);
      assert.deepEqual(held.status?.admission ?? [], []);
      assert.deepEqual(specOf(await scene.pod('whole')), specOf(before));
      await assertCreatable(scene, 'whole');
      return `${sizeText(before)} stays; ${heldOf(held)}`;
    });
  },
);
