// New pods that do not come up with what they get at admission. test/acting/run.sh
import assert from 'node:assert/strict';
import { World, type Scene } from '../support/acting.ts';
import {
  isReady,
  podsOf,
  restartsOf,
  sizeText,
  specOf,
  within,
  type StoredPod,
} from '../support/acting-pods.ts';
import { changesOf, changeWords, recommendationOf } from '../support/acting-records.ts';
import { picky, pickyRun, type ActingWorkload } from '../support/acting-workloads.ts';
import { conditionOf } from '../support/own-objects.ts';

const MI = 2 ** 20;
const LEAST_MI = 120;

const world = new World('newpods', [
  ...['--refresh=5s', '--signals=5s', '--breaker=100%', '--max-pods-per-hour=10000'],
]);

/** Asks for 160Mi, has used 40Mi, and ends below 120Mi. */
const PICKY: ActingWorkload = {
  kind: 'Deployment',
  name: 'picky',
  resources: { requests: { cpu: '60m', memory: '160Mi' }, limits: { memory: '160Mi' } },
  used: { cpu: 0.02, memoryMi: 40 },
  script: picky(LEAST_MI),
};

function isTooSmall(pod: StoredPod): boolean {
  return (specOf(pod).memoryLimit ?? Infinity) < LEAST_MI * MI;
}

function isBack(pod: StoredPod): boolean {
  return specOf(pod).memoryLimit === 160 * MI;
}

/** Until new pods of it get less memory than it needs. */
async function isSized(scene: Scene, name: string): Promise<void> {
  await within(90, async () => {
    const { status, metadata } = await recommendationOf(scene, name);
    assert.equal(metadata.labels?.['rightsize.dev/admission'], 'active');
    const [{ limits } = assert.fail('new pods are not sized')] = status?.admission ?? [];
    assert.match(limits?.memory ?? '', /^\d{2}Mi$/);
  });
}

/** The youngest pod of an app once it was made with too little memory. */
async function smallPod(scene: Scene, replicas: number): Promise<StoredPod> {
  return within(90, async () => {
    const small = (await scene.pods('picky')).find(isTooSmall);
    if (small !== undefined) return small;
    await scene.kubectl('scale', 'deployment', 'picky', `--replicas=${replicas - 1}`);
    await within(20, async () => assert.equal((await scene.pods('picky')).length, replicas - 1));
    await scene.kubectl('scale', 'deployment', 'picky', `--replicas=${replicas}`);
    await within(20, async () => assert.equal((await scene.pods('picky')).length, replicas));
    return (await scene.pods('picky')).find(isTooSmall) ?? assert.fail('made as its template says');
  });
}

/** Until it was taken back: what is said then. */
async function takenBack(scene: Scene, name: string): Promise<string> {
  return within(90, async () => {
    const found = await recommendationOf(scene, name);
    const changes = changesOf(found);
    const back = changes.find(({ lane }) => lane === 'Return');
    assert.ok(back, changeWords(found));
    assert.ok(
      changes.some(({ method, outcome }) => method === 'Admission' && outcome === 'TakenBack'),
      changeWords(found),
    );
    assert.equal(conditionOf(found, 'Degraded'), 'True TakenBack');
    const [admitted] = found.status?.admission ?? [];
    assert.equal(admitted?.limits?.memory, '160Mi');
    return `${back.why} ${changeWords(found)}`;
  });
}

world.scenario(
  '12 new pods harmed, mode Admission',
  { name: 'admission', workloads: [{ ...PICKY, replicas: 0 }], policy: { mode: 'Admission' } },
  (step) => {
    let small: StoredPod;
    step(
      'gives the next pods what they had before, and leaves those that run alone',
      async (scene) => {
        await isSized(scene, 'deployment-picky');
        small = await smallPod(scene, 1);
        const story = await takenBack(scene, 'deployment-picky');
        const pod = await scene.pod('picky');
        assert.equal(pod.metadata.uid, small.metadata.uid);
        assert.equal(sizeText(pod), sizeText(small));
        const found = await recommendationOf(scene, 'deployment-picky');
        assert.equal(found.status?.summary?.status, 'Held:Backoff');
        return `${sizeText(small)}, ${restartsOf(pod)} restarts; ${story}`;
      },
    );
    step('has the next pod come up', async (scene) => {
      await scene.kubectl('delete', 'pod', small.metadata.name, '--wait=false');
      const pod = await scene.pod('picky', 60, (each) => {
        assert.ok(isReady(each) && isBack(each), sizeText(each));
      });
      assert.equal(restartsOf(pod), 0);
      return `${sizeText(pod)}, ready`;
    });
  },
);

world.scenario(
  '12 new pods harmed, mode InPlace',
  { name: 'inplace', workloads: [{ ...PICKY, replicas: 0 }] },
  (step) => {
    step('puts the new pod back in place', async (scene) => {
      await isSized(scene, 'deployment-picky');
      const small = await smallPod(scene, 1);
      const story = await takenBack(scene, 'deployment-picky');
      const pod = await scene.pod('picky', 90, (each) => {
        assert.ok(isReady(each) && isBack(each), sizeText(each));
      });
      assert.equal(pod.metadata.uid, small.metadata.uid);
      return `${sizeText(small)} → ${sizeText(pod)}, ready after ${restartsOf(pod)} restarts; ${story}`;
    });
    step('lets those that come next come up', async (scene) => {
      await scene.kubectl('scale', 'deployment', 'picky', '--replicas=3');
      const pods = await within(60, async () => {
        const now = await scene.pods('picky');
        assert.equal(now.filter((pod) => isReady(pod) && isBack(pod)).length, 3);
        return now;
      });
      return pods.map(sizeText).join(', ');
    });
  },
);

world.scenario(
  '12 new pods harmed, scaled up',
  { name: 'scaled', workloads: [PICKY], policy: { mode: 'Admission' } },
  (step) => {
    step('holds new pods against the one that runs, which stays as it is', async (scene) => {
      const first = await scene.pod('picky');
      await isSized(scene, 'deployment-picky');
      const small = await smallPod(scene, 2);
      const story = await takenBack(scene, 'deployment-picky');
      assert.match(story, /against 0 of 1 others/);
      const pods = await scene.pods('picky');
      const now = pods.find(({ metadata }) => metadata.uid === first.metadata.uid);
      assert.ok(now && isReady(now) && restartsOf(now) === 0 && isBack(now));
      return `${sizeText(first)} beside ${sizeText(small)}; ${story}`;
    });
  },
);

world.scenario(
  '12 runs harmed',
  {
    name: 'runs',
    workloads: [{ ...PICKY, kind: 'CronJob', name: 'report', script: pickyRun(LEAST_MI) }],
    policy: { mode: 'Admission' },
  },
  (step) => {
    step('takes back what a run of a CronJob failed with', async (scene) => {
      await isSized(scene, 'cronjob-report');
      const small = await within(120, async () => {
        await started(scene);
        return within(20, async () => {
          const pods = await podsOf(scene.connection, scene.namespace, 'report');
          return pods.find(isTooSmall) ?? assert.fail(pods.map(sizeText).join(', '));
        });
      });
      const story = await takenBack(scene, 'cronjob-report');
      const next = await within(120, async () => {
        const pods = await podsOf(scene.connection, scene.namespace, 'report');
        return pods.find(({ status }) => status.phase === 'Succeeded') ?? assert.fail('none yet');
      });
      assert.ok(isBack(next), sizeText(next));
      return `${sizeText(small)} failed, then ${sizeText(next)} succeeded; ${story}`;
    });
  },
);

/** Has the CronJob make a run now: one that was missed is made up for at once. */
async function started(scene: Scene): Promise<void> {
  const patch = (change: object, ...flags: readonly string[]) =>
    scene.kubectl(
      ...['patch', 'cronjob', 'report', ...flags, '--type=merge'],
      ...['-p', JSON.stringify(change)],
    );
  const lastScheduleTime = new Date(Date.now() - 90_000).toISOString();
  await patch({ spec: { suspend: true } });
  await scene.kubectl('delete', 'jobs', '--all', '--wait=true');
  await patch({ status: { lastScheduleTime } }, '--subresource=status');
  await patch({ spec: { suspend: false } });
  await within(20, async () =>
    assert.notEqual(await scene.kubectl('get', 'jobs', '-o', 'name'), ''),
  );
  await patch({ spec: { suspend: true } });
}
