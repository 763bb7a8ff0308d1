// Putting back what was changed. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { calm } from '../support/acting-calm.ts';
import { actualOf, restartsOf, sizeText, specOf, type StoredPod } from '../support/acting-pods.ts';
import { rightsize } from '../support/rightsize.ts';

const resources = { requests: { cpu: '80m', memory: '160Mi' }, limits: { memory: '160Mi' } };

calm.scenario(
  '14 revert',
  {
    name: 'leaving',
    workloads: ['one', 'two'].map((name) => ({
      kind: 'Deployment',
      name,
      resources,
      used: { cpu: 0.02, memoryMi: 40 },
    })),
  },
  (step) => {
    let lowered: readonly StoredPod[];
    step('says what it would do, and changes nothing without --yes', async (scene) => {
      lowered = await Promise.all(
        ['one', 'two'].map((app) =>
          scene.pod(app, 150, (each) => {
            assert.ok((specOf(each).cpu ?? 1) < 0.07, sizeText(each));
            assert.ok((specOf(each).memory ?? Infinity) < 120 * 2 ** 20, sizeText(each));
            assert.deepEqual(actualOf(each), specOf(each));
          }),
        ),
      );
      const { code, stdout, stderr } = await rightsize(['revert', '-n', scene.namespace]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /160Mi/);
      const now = await Promise.all(['one', 'two'].map((app) => scene.pod(app)));
      assert.deepEqual(now.map(sizeText), lowered.map(sizeText));
      return `80m/160Mi → ${lowered.map(sizeText).join(', ')}, as before after the dry run`;
    });
    step('puts all back in place, and it stays so', async (scene) => {
      const { code, stderr } = await rightsize([
        ...['revert', '-n', scene.namespace, '--yes', '--suspend'],
      ]);
      assert.equal(code, 0, stderr);
      const back = (app: string) =>
        scene.pod(app, 10, (each) => {
          assert.deepEqual(each.spec.containers[0]?.resources, resources);
          assert.deepEqual(actualOf(each), specOf(each));
          assert.equal(restartsOf(each), 0);
        });
      const pods = await Promise.all(['one', 'two'].map(back));
      assert.deepEqual(
        pods.map(({ metadata }) => metadata.uid),
        lowered.map(({ metadata }) => metadata.uid),
      );
      await delay(15_000);
      await Promise.all(['one', 'two'].map(back));
      return `both ${sizeText(pods[0] ?? assert.fail())} again in the same pods, and for 15 s more`;
    });
  },
);
