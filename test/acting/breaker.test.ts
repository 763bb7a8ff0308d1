// Many changes that go bad stop all savings of the cluster. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { World, type Scene } from '../support/acting.ts';
import { isReady, load, sizeText, specOf, within } from '../support/acting-pods.ts';
import {
  changesOf,
  changeWords,
  heldOf,
  recommendationOf,
  stateIs,
} from '../support/acting-records.ts';
import { picky } from '../support/acting-workloads.ts';

const MI = 2 ** 20;
const world = new World('fleet', ['--refresh=5s', '--breaker=20%', '--max-pods-per-hour=10000']);
const PICKY = Array.from({ length: 8 }, (_, i) => `picky-${i}`);
const resources = { requests: { cpu: '40m', memory: '160Mi' }, limits: { memory: '160Mi' } };
const used = { cpu: 0.01, memoryMi: 40 };

world.scenario(
  '13 breaker',
  {
    name: 'bad',
    workloads: [
      ...PICKY.map((name) => ({
        kind: 'Deployment' as const,
        name,
        resources,
        used,
        script: picky(120),
      })),
      { kind: 'Deployment', name: 'late', resources, used },
      {
        kind: 'Deployment',
        name: 'hog',
        resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '64Mi' } },
        used,
      },
    ],
    policy: {
      selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['late'] }] },
      bounds: { minAllowed: { cpu: '20m', memory: '64Mi' } },
    },
  },
  (step) => {
    const sizeOf = async (scene: Scene, app: string) => specOf(await scene.pod(app)).memoryLimit;
    step('takes back the savings of eight workloads that they harm', async (scene) => {
      await within(180, async () => {
        for (const name of PICKY) {
          const changes = changesOf(await recommendationOf(scene, `deployment-${name}`));
          assert.ok(
            changes.some(({ outcome }) => outcome === 'TakenBack') ||
              (changes.length === 0 && (await sizeOf(scene, name)) === 160 * MI),
            name,
          );
          assert.equal(await sizeOf(scene, name), 160 * MI, name);
        }
        const first = await recommendationOf(scene, `deployment-${PICKY[0] ?? ''}`);
        assert.ok(changesOf(first).length > 0);
      });
      await within(60, async () => {
        for (const name of PICKY) assert.ok(isReady(await scene.pod(name)), name);
      });
      const first = await recommendationOf(scene, `deployment-${PICKY[0] ?? ''}`);
      return `all ${PICKY.length} have 160Mi again and run; ${changeWords(first)}`;
    });
    step('holds savings elsewhere', async (scene) => {
      await scene.govern({ selector: {} });
      const found = await stateIs(scene, 'deployment-late', 'Held:BreakerOpen');
      await delay(20_000);
      assert.equal(await sizeOf(scene, 'late'), 160 * MI);
      return `late has ${sizeText(await scene.pod('late'))} still; ${heldOf(found)}`;
    });
    step('goes on with rescue', async (scene) => {
      await load(scene.namespace, await scene.pod('hog'), { memoryMi: 90 });
      const start = performance.now();
      const pod = await scene.pod('hog', 90, (each) => {
        assert.ok((specOf(each).memoryLimit ?? 0) > 100 * MI, sizeText(each));
      });
      const seconds = (performance.now() - start) / 1000;
      return `hog 64Mi → ${sizeText(pod)} ${seconds.toFixed(0)} s after its load`;
    });
  },
);
