// What cannot be had in place, or not yet. The kubelet's CPU manager is static, so that it refuses to resize the CPU of
// Guaranteed pods. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { World, type Scene } from '../../support/acting.ts';
import {
  actualOf,
  isReady,
  pendingReason,
  restartsOf,
  sizeText,
  specOf,
  within,
} from '../../support/acting-pods.ts';
import { auditEntries, checkInvariants } from '../../support/acting-audit.ts';
import { changeWords, heldOf, recommendationOf, stateIs } from '../../support/acting-records.ts';
import type { ActingWorkload } from '../../support/acting-workloads.ts';

const MI = 2 ** 20;
const world = new World('pinned', ['--refresh=5s', '--breaker=100%', '--max-pods-per-hour=10000']);

function guaranteed(kind: 'Deployment' | 'StatefulSet', replicas: number): ActingWorkload {
  const amounts = { cpu: '100m', memory: '96Mi' };
  return {
    kind,
    name: 'app',
    replicas,
    resources: { requests: amounts, limits: amounts },
    used: { cpu: 0.02, memoryMi: 40 },
  };
}

const uidsOf = async (scene: Scene) =>
  (await scene.pods('app')).map(({ metadata }) => metadata.uid).sort();

world.scenario(
  '8 Infeasible, InPlace',
  { name: 'inplace', workloads: [guaranteed('Deployment', 1)] },
  (step) => {
    step('holds what the node can never do', async (scene) => {
      const before = await uidsOf(scene);
      const found = await stateIs(scene, 'deployment-app', 'Held:Infeasible');
      await delay(20_000);
      assert.deepEqual(await uidsOf(scene), before);
      const pod = await scene.pod('app');
      assert.equal(actualOf(pod).cpu, 0.1);
      assert.equal(restartsOf(pod), 0);
      const patches = checkInvariants(await auditEntries(), {
        user: scene.world.user,
        namespace: scene.namespace,
        min: { cpu: 0, memory: 0 },
        max: { cpu: 2, memory: 2 ** 31 },
        maxStep: 1,
      });
      assert.ok(patches.resizes <= 3, `${patches.resizes} resizes were tried`);
      return `same pod with 100m, kubelet: ${pendingReason(pod) ?? 'nothing pending'}, ${patches.resizes} tried; ${heldOf(found)}`;
    });
  },
);

world.scenario(
  '8 Infeasible, Recreate',
  {
    name: 'recreate',
    workloads: [guaranteed('Deployment', 2)],
    objects: [
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'app' },
        spec: { minAvailable: 2, selector: { matchLabels: { app: 'app' } } },
      },
    ],
    policy: {
      mode: 'Recreate',
      changes: {
        increase: { cooldown: '1s' },
        decrease: { cooldown: '1h', maxStep: '100%' },
        maxPodsAtOnce: '1',
        rollback: { observe: '1m' },
      },
    },
  },
  (step) => {
    let before: readonly string[];
    step('respects a disruption budget that allows none', async (scene) => {
      before = await uidsOf(scene);
      const found = await stateIs(scene, 'deployment-app', 'Held:PDB');
      await delay(15_000);
      assert.deepEqual(await uidsOf(scene), before);
      return `both pods as before; ${heldOf(found)}`;
    });
    step(
      'evicts one pod after the other once it allows one, each new one with the size',
      async (scene) => {
        await scene.kubectl(
          'patch',
          'pdb',
          'app',
          '--type=merge',
          '-p',
          '{"spec":{"minAvailable":1}}',
        );
        let least = 2;
        // An eviction that was blocked is tried again after a minute, and each is watched for one.
        const pods = await within(300, async () => {
          const now = await scene.pods('app');
          least = Math.min(least, now.filter(isReady).length);
          assert.ok(
            now.every(({ metadata }) => !before.includes(metadata.uid)),
            'all are new',
          );
          assert.equal(now.filter(isReady).length, 2);
          return now;
        });
        assert.ok(least >= 1, 'one pod was ready at all times');
        for (const pod of pods) {
          assert.ok((specOf(pod).cpu ?? 1) < 0.08, sizeText(pod));
          assert.equal(pod.status.qosClass, 'Guaranteed');
        }
        const changes = changeWords(await recommendationOf(scene, 'deployment-app'));
        return `both made anew with ${pods.map(sizeText).join(', ')}; ${least} ready at the least; ${changes}`;
      },
    );
  },
);

world.scenario(
  '6 StatefulSet of one, Infeasible',
  {
    name: 'single',
    workloads: [guaranteed('StatefulSet', 1)],
    policy: { mode: 'Recreate' },
  },
  (step) => {
    step('is never restarted', async (scene) => {
      const before = await uidsOf(scene);
      await stateIs(scene, 'statefulset-app', /^Held/);
      await delay(60_000);
      assert.deepEqual(await uidsOf(scene), before);
      const found = await recommendationOf(scene, 'statefulset-app');
      assert.match(heldOf(found), /WouldRestart/);
      const pod = await scene.pod('app');
      assert.equal(restartsOf(pod), 0);
      return `same uid after 60 s more, 0 restarts; ${heldOf(found)}`;
    });
  },
);

world.scenario(
  '7 Deferred',
  {
    name: 'deferred',
    workloads: [
      {
        kind: 'Deployment',
        name: 'growing',
        resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '64Mi' } },
        used: { cpu: 0.01, memoryMi: 1000 },
      },
      {
        kind: 'Deployment',
        name: 'filler',
        resources: { requests: { cpu: '20m', memory: '2300Mi' } },
        script: undefined,
      },
    ],
    policy: { selector: { matchLabels: { app: 'growing' } } },
  },
  (step) => {
    step('waits for room on the node', async (scene) => {
      const pod = await scene.pod('growing', 60, (each) => {
        assert.equal(pendingReason(each), 'Deferred');
      });
      assert.equal(actualOf(pod).memory, 64 * MI);
      const { status } = await stateIs(scene, 'deployment-growing', 'Deferred');
      return `asked for ${sizeText(pod)}, has 64Mi; state ${status?.summary?.status ?? ''}`;
    });
    step('has it as soon as there is room', async (scene) => {
      await scene.kubectl('scale', 'deployment', 'filler', '--replicas=0');
      const pod = await scene.pod('growing', 60, (each) => {
        assert.ok((actualOf(each).memory ?? 0) > 900 * MI);
      });
      assert.equal(restartsOf(pod), 0);
      const { status } = await stateIs(scene, 'deployment-growing', 'Applied');
      return `has ${sizeText(pod)}, no restart; state ${status?.summary?.status ?? ''}`;
    });
  },
);
