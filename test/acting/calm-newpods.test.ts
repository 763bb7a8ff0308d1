// Pods that are made, and those that must not be made anew. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { calm } from '../support/acting-calm.ts';
import { restartsOf, sizeText, specOf, within, type StoredPod } from '../support/acting-pods.ts';
import { changeWords, heldOf, recommendationOf, stateIs } from '../support/acting-records.ts';

calm.scenario(
  '4 scaled up',
  {
    name: 'scaled',
    workloads: [
      {
        kind: 'Deployment',
        name: 'web',
        resources: { requests: { cpu: '150m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.03, memoryMi: 60 },
      },
    ],
  },
  (step) => {
    step('gives new pods the recommended size, whatever the template says', async (scene) => {
      const first = await scene.pod('web', 150, (pod) => {
        assert.ok((specOf(pod).cpu ?? 1) < 0.1, sizeText(pod));
        assert.ok((specOf(pod).memory ?? Infinity) < 120 * 2 ** 20, sizeText(pod));
      });
      // A kind that is new is known to admission within 30 seconds.
      const pods = await within(60, async () => {
        await scene.kubectl('scale', 'deployment', 'web', '--replicas=1');
        await within(20, async () => assert.equal((await scene.pods('web')).length, 1));
        await scene.kubectl('scale', 'deployment', 'web', '--replicas=2');
        await within(20, async () => assert.equal((await scene.pods('web')).length, 2));
        const made = await scene.pods('web');
        const younger = made.find(({ metadata }) => metadata.uid !== first.metadata.uid);
        assert.ok(younger && isUnresized(younger), 'made with another size, and resized since');
        assert.deepEqual(specOf(younger), specOf(first));
        return made;
      });
      const template = '{.spec.template.spec.containers[0].resources.requests.cpu}';
      assert.equal(
        await scene.kubectl('get', 'deployment', 'web', '-o', `jsonpath=${template}`),
        '150m',
      );
      return `template 150m/160Mi, new pod ${pods.map(sizeText).at(-1) ?? ''}, never resized`;
    });
  },
);

/** Its spec is of its first generation. */
function isUnresized({ metadata }: StoredPod): boolean {
  return (metadata as { readonly generation?: number }).generation === 1;
}

calm.scenario(
  '5 CronJob',
  {
    name: 'cron',
    workloads: [
      {
        kind: 'CronJob',
        name: 'report',
        resources: { requests: { cpu: '150m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.03, memoryMi: 60 },
      },
    ],
  },
  (step) => {
    step('sizes the next run', async (scene) => {
      const { status } = await stateIs(scene, 'cronjob-report', 'NextRun');
      const patch = (change: object, ...flags: readonly string[]) =>
        scene.kubectl(
          ...['patch', 'cronjob', 'report', ...flags, '--type=merge'],
          ...['-p', JSON.stringify(change)],
        );
      const [{ requests, limits } = assert.fail()] = status?.admission ?? [];
      const pod = await within(90, async () => {
        // A run that was missed is made up for at once.
        const lastScheduleTime = new Date(Date.now() - 90_000).toISOString();
        await patch({ status: { lastScheduleTime } }, '--subresource=status');
        await patch({ spec: { suspend: false } });
        const run = await scene.pod('report', 15);
        await patch({ spec: { suspend: true } });
        await scene.kubectl('delete', 'jobs', '--all', '--wait=true');
        assert.deepEqual(run.spec.containers[0]?.resources, { requests, limits });
        return run;
      });
      return `template 150m/160Mi, the run had ${sizeText(pod)}`;
    });
  },
);

calm.scenario(
  '6 StatefulSet of one',
  {
    name: 'single',
    workloads: [
      {
        kind: 'StatefulSet',
        name: 'db',
        // Requests would make it Burstable, which cannot be had in place.
        resources: {},
        used: { cpu: 0.05, memoryMi: 60 },
      },
    ],
    policy: { mode: 'Recreate' },
  },
  (step) => {
    step('is never restarted, though mode Recreate could not size it otherwise', async (scene) => {
      const first = await scene.pod('db');
      await stateIs(scene, 'statefulset-db', /^Held/);
      await delay(40_000);
      const found = await recommendationOf(scene, 'statefulset-db');
      const pod = await scene.pod('db');
      assert.equal(pod.metadata.uid, first.metadata.uid);
      assert.equal(restartsOf(pod), 0);
      assert.equal(sizeText(pod), sizeText(first));
      assert.match(heldOf(found), /WouldRestart/);
      const changes = changeWords(found);
      return `same uid after 40 s more, 0 restarts, ${changes}; ${heldOf(found)}`;
    });
  },
);

calm.scenario(
  '15 RestartContainer',
  {
    name: 'restarting',
    workloads: [
      {
        kind: 'Deployment',
        name: 'jvm',
        resources: { requests: { cpu: '100m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.03, memoryMi: 60 },
        restartsOn: ['cpu', 'memory'],
      },
    ],
  },
  (step) => {
    step('is not touched under InPlace', async (scene) => {
      const first = await scene.pod('jvm');
      const found = await stateIs(scene, 'deployment-jvm', 'Held:WouldRestart');
      await delay(20_000);
      const pod = await scene.pod('jvm');
      assert.equal(sizeText(pod), sizeText(first));
      assert.equal(restartsOf(pod), 0);
      return `${sizeText(pod)} as before, 0 restarts; ${heldOf(found)}`;
    });
  },
);
