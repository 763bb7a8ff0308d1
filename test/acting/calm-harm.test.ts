// Taking back what harms. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { calm } from '../support/acting-calm.ts';
import { isReady, restartsOf, sizeText, specOf } from '../support/acting-pods.ts';
import { changesOf, changeWords, heldOf, recommendationOf } from '../support/acting-records.ts';
import { conditionOf } from '../support/own-objects.ts';
import { picky } from '../support/acting-workloads.ts';

const MI = 2 ** 20;

calm.scenario(
  '12 harmful change',
  {
    name: 'harmful',
    workloads: [
      {
        kind: 'Deployment',
        name: 'picky',
        resources: { requests: { cpu: '60m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.02, memoryMi: 40 },
        script: picky(120),
      },
    ],
  },
  (step) => {
    let uid = '';
    step('lowers the memory of a program that ends for want of it', async (scene) => {
      uid = (await scene.pod('picky')).metadata.uid;
      const pod = await scene.pod('picky', 150, (each) => {
        assert.ok((specOf(each).memoryLimit ?? 0) < 120 * MI, sizeText(each));
      });
      return `160Mi → ${sizeText(pod)}`;
    });
    step('takes it back in place, and says so', async (scene) => {
      const pod = await scene.pod('picky', 90, (each) => {
        assert.equal(specOf(each).memoryLimit, 160 * MI, sizeText(each));
        assert.equal(specOf(each).memory, 160 * MI, sizeText(each));
      });
      assert.equal(pod.metadata.uid, uid);
      const running = await scene.pod('picky', 60, (each) => assert.ok(isReady(each)));
      const found = await recommendationOf(scene, 'deployment-picky');
      assert.ok(changesOf(found).some(({ outcome }) => outcome === 'TakenBack'));
      assert.equal(conditionOf(found, 'Degraded'), 'True TakenBack');
      return `back to ${sizeText(pod)} and running after ${restartsOf(running)} restarts; Degraded; ${changeWords(found)}`;
    });
    step('does not try it again at once', async (scene) => {
      const before = await scene.pod('picky');
      await delay(40_000);
      const pod = await scene.pod('picky');
      assert.equal(sizeText(pod), sizeText(before));
      // It may have waited to be begun anew once more when its size came back.
      assert.ok(isReady(pod) && restartsOf(pod) <= restartsOf(before) + 1);
      const found = await recommendationOf(scene, 'deployment-picky');
      assert.match(heldOf(found), /Backoff|Cooldown/);
      return `${sizeText(pod)} for 40 s more; ${heldOf(found)}`;
    });
  },
);
