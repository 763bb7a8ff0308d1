// The operator is killed while it acts, KILLS times (200 unless stated). test/acting/run.sh
import assert from 'node:assert/strict';
import { auditEntries, checkInvariants, isDone } from '../support/acting-audit.ts';
import { assertJudged, assertSettled, killOften, workloadOf } from '../support/acting-kills.ts';
import { isReady, sizeText, specOf, within } from '../support/acting-pods.ts';
import { POLICY, World } from '../support/acting.ts';

const KILLS = Number(process.env['KILLS'] ?? 200);
const MI = 2 ** 20;
const bounds = {
  minAllowed: { cpu: '10m', memory: '32Mi' },
  maxAllowed: { cpu: '200m', memory: '300Mi' },
};
const MAX_STEP = 0.6;

const world = new World('kills', [
  ...['--refresh=2s', '--signals=1s', '--breaker=100%', '--max-pods-per-hour=100000'],
]);

world.scenario(
  '4, 17 stopped and killed',
  {
    name: 'all',
    workloads: [
      {
        kind: 'Deployment',
        name: 'web',
        resources: { requests: { cpu: '60m', memory: '160Mi' }, limits: { memory: '160Mi' } },
        used: { cpu: 0.02, memoryMi: 70 },
      },
    ],
    later: Array.from({ length: KILLS }, (_, kill) => workloadOf(kill)),
    policy: {
      mode: 'Recreate',
      bounds,
      changes: { ...POLICY.changes, decrease: { cooldown: '1h', maxStep: '60%' } },
    },
  },
  (step) => {
    step('sizes new pods while the operator is stopped', async (scene) => {
      const first = await scene.pod('web', 150, (pod) =>
        assert.ok((specOf(pod).memory ?? 0) < 120 * MI, sizeText(pod)),
      );
      await scene.world.operator().end('SIGTERM');
      const made = await within(60, async () => {
        await scene.kubectl('scale', 'deployment', 'web', '--replicas=1');
        await within(20, async () => assert.equal((await scene.pods('web')).length, 1));
        await scene.kubectl('scale', 'deployment', 'web', '--replicas=2');
        const pods = await within(20, async () => {
          const now = await scene.pods('web');
          assert.equal(now.filter(isReady).length, 2);
          return now;
        });
        for (const pod of pods) assert.ok((specOf(pod).memory ?? 0) < 120 * MI, sizeText(pod));
        return pods;
      });
      await scene.world.start();
      return `template 60m/160Mi, first pod ${sizeText(first)}, then ${made.map(sizeText).join(' and ')}`;
    });
    let living: readonly number[] = [];
    let atMs: readonly number[] = [];
    step('goes on after every kill', async (scene) => {
      ({ living, atMs } = await killOften(scene, KILLS));
      const writes = (await auditEntries())
        .filter(({ user, objectRef }) => {
          const { resource = '' } = objectRef ?? {};
          return user.username === scene.world.user && !['leases', 'events'].includes(resource);
        })
        .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp));
      const close = atMs.filter((kill) => writes.some((at) => at <= kill && kill - at < 500));
      return `${KILLS} kills with SIGKILL, ${close.length} of them within 0.5 s after a write of its own`;
    });
    step('comes to a consistent end, with every harm taken back', async (scene) => {
      await within(240, async () => {
        for (const kill of living) await assertSettled(scene, kill);
      });
      const words = await within(240, () =>
        Promise.all(living.map((kill) => assertJudged(scene, kill))),
      );
      const taken = words.filter((each) => each.includes('TakenBack')).length;
      assert.ok(taken > 0, 'some were taken back');
      return `${living.length} workloads as they ought to be, nothing under watch; ${taken} with a change taken back`;
    });
    step('kept the invariants in each of its API writes', async (scene) => {
      const { resizes, evictions, broken } = checkInvariants(
        (await auditEntries()).filter(isDone),
        {
          user: scene.world.user,
          namespace: scene.namespace,
          min: { cpu: 0.01, memory: 32 * MI },
          max: { cpu: 0.2, memory: 300 * MI },
          maxStep: MAX_STEP,
        },
      );
      assert.deepEqual(broken, []);
      assert.ok(resizes > 0 && evictions > 0, `${resizes} resizes, ${evictions} evictions`);
      return `${resizes} resizes and ${evictions} evictions in the audit log: no pod twice, in bounds, QoS kept, at most 60 % down`;
    });
  },
);
