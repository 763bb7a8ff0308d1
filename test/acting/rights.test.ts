// What each mode says when the operator may not do what it takes: with the read tier alone, and with the tier that
// resizes. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { World } from '../support/acting.ts';
import { restartsOf, sizeText, specOf, within } from '../support/acting-pods.ts';
import { heldOf, recommendationOf } from '../support/acting-records.ts';
import type { ActingWorkload } from '../support/acting-workloads.ts';

const readOnly = new World('readonly', ['--refresh=5s'], ['admission']);

/** The read tier and nothing else. */
const bare = new World('bare', ['--refresh=5s'], []);

const wasteful: ActingWorkload = {
  kind: 'Deployment',
  name: 'web',
  resources: { requests: { cpu: '150m', memory: '160Mi' }, limits: { memory: '160Mi' } },
  used: { cpu: 0.03, memoryMi: 40 },
};

const NEEDED: Readonly<Record<string, RegExp>> = {
  InPlace: /may not patch pods\/resize in namespace .*deploy\/components\/cluster-resize/,
  Recreate:
    /may not patch pods\/resize and create pods\/eviction in .*cluster-resize .*cluster-workloads/,
  Rollout: /may not patch the workload in namespace .*deploy\/components\/cluster-workloads/,
};

bare.scenario(
  'rights: Admission with nothing but the read tier',
  { name: 'admission', workloads: [wasteful], policy: { mode: 'Admission' } },
  (step) => {
    step('says that new pods cannot be sized and what installs it', async (scene) => {
      const said = await within(60, async () => {
        const held = heldOf(await recommendationOf(scene, 'deployment-web'));
        assert.match(held, /AdmissionUnavailable/);
        assert.match(held, /deploy\/components\/admission/);
        return held;
      });
      return said;
    });
    step('goes on recommending, and new pods come as the template says', async (scene) => {
      const { status } = await recommendationOf(scene, 'deployment-web');
      assert.ok(status?.containers?.[0]?.target?.requests?.cpu !== undefined);
      assert.equal(status.admission, undefined);
      const before = await scene.pod('web');
      await scene.kubectl('delete', 'pod', '-l', 'app=web', '--wait=true');
      const pod = await scene.pod('web', 60, (each) => {
        assert.notEqual(each.metadata.uid, before.metadata.uid);
      });
      assert.equal(sizeText(pod), sizeText(before));
      return `a new pod has ${sizeText(pod)}`;
    });
  },
);

readOnly.scenario(
  'rights: Admission with the read tier',
  { name: 'admission', workloads: [wasteful], policy: { mode: 'Admission' } },
  (step) => {
    step('lacks nothing: new pods are sized, and those that run are left alone', async (scene) => {
      const before = await scene.pod('web');
      await within(60, async () => {
        const { status } = await recommendationOf(scene, 'deployment-web');
        assert.equal(status?.summary?.status, 'NextPod');
        assert.ok(status.admission !== undefined);
      });
      const running = await scene.pod('web');
      assert.equal(running.metadata.uid, before.metadata.uid);
      assert.equal(sizeText(running), sizeText(before));
      await scene.kubectl('delete', 'pod', '-l', 'app=web', '--wait=true');
      const pod = await scene.pod('web', 60, (each) => {
        assert.ok((specOf(each).cpu ?? 1) < 0.1, sizeText(each));
      });
      return `a new pod has ${sizeText(pod)}`;
    });
  },
);

for (const [mode, message] of Object.entries(NEEDED)) {
  readOnly.scenario(
    `rights: ${mode} with the read tier`,
    { name: mode.toLowerCase(), workloads: [wasteful], policy: { mode } },
    (step) => {
      step('says which permission it lacks and which file grants it', async (scene) => {
        const before = await scene.pod('web');
        const said = await within(60, async () => {
          const held = heldOf(await recommendationOf(scene, 'deployment-web'));
          assert.match(held, /PermissionMissing/);
          assert.match(held, message);
          return held;
        });
        await delay(10_000);
        const pod = await scene.pod('web');
        assert.equal(pod.metadata.uid, before.metadata.uid);
        assert.equal(sizeText(pod), sizeText(before));
        assert.equal(restartsOf(pod), 0);
        return said;
      });
      // A template that is rolled out is what new pods go by.
      if (mode === 'Rollout') return;
      step('goes on recommending, and sizes new pods', async (scene) => {
        const { status } = await recommendationOf(scene, 'deployment-web');
        assert.ok(status?.containers?.[0]?.target?.requests?.cpu !== undefined);
        await scene.kubectl('delete', 'pod', '-l', 'app=web', '--wait=true');
        const pod = await scene.pod('web', 60, (each) => {
          assert.ok((specOf(each).cpu ?? 1) < 0.1, sizeText(each));
        });
        return `a new pod has ${sizeText(pod)}`;
      });
    },
  );
}
