// Raising and lowering what runs, on a real kubelet with what cAdvisor really measures. `make e2e`, or
//   test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { calm } from '../support/acting-calm.ts';
import {
  actualOf,
  cgroupOf,
  isReady,
  isRunning,
  load,
  restartsOf,
  sizeText,
  specOf,
  within,
  type StoredPod,
} from '../support/acting-pods.ts';
import { changeWords, recommendationOf } from '../support/acting-records.ts';

const MI = 2 ** 20;

/** Shares that the kubelet gives so many cores. */
const sharesOf = (cores: number) => Math.max(2, Math.floor(cores * 1024));

/** What was asked for is what the kubelet says and what the cgroup has. */
async function assertInForce(pod: StoredPod): Promise<void> {
  const { cpu = 0, memoryLimit } = specOf(pod);
  assert.deepEqual(actualOf(pod), specOf(pod));
  const cgroup = await cgroupOf(pod);
  assert.equal(cgroup.memory, memoryLimit);
  assert.ok(Math.abs(cgroup.cpu - sharesOf(cpu)) <= 1, `${cgroup.cpu} shares for ${cpu} cores`);
}

calm.scenario(
  '1, 2 busy loop',
  {
    name: 'busy',
    workloads: [
      {
        kind: 'Deployment',
        name: 'busy',
        resources: { requests: { cpu: '300m', memory: '200Mi' }, limits: { memory: '200Mi' } },
        used: { cpu: 0.03, memoryMi: 40 },
      },
    ],
    prepare: async (scene) => load(scene.namespace, await scene.pod('busy'), { cpuTurns: 3000 }),
  },
  (step) => {
    let before: StoredPod;
    step('lowers a request far too high in place, down to the cgroup', async (scene) => {
      const first = await scene.pod('busy');
      const pod = await scene.pod('busy', 150, (each) => {
        assert.ok((specOf(each).cpu ?? 0) < 0.1, sizeText(each));
        assert.ok((specOf(each).memoryLimit ?? 0) < 120 * MI, sizeText(each));
        assert.deepEqual(actualOf(each), specOf(each));
      });
      await assertInForce(pod);
      assert.equal(pod.metadata.uid, first.metadata.uid);
      assert.equal(restartsOf(pod), 0);
      before = pod;
      const { cpu, memory } = await cgroupOf(pod);
      return `300m/200Mi → ${sizeText(pod)}, cgroup ${cpu} shares and ${memory / MI} MiB, no restart`;
    });
    step('raises the same container within a minute of more load', async (scene) => {
      // Far above all that was seen: of twice as much the mean of five minutes would not tell that soon.
      await load(scene.namespace, before, { cpuTurns: 400_000 });
      const start = performance.now();
      const pod = await scene.pod('busy', 60, (each) => {
        assert.ok((specOf(each).cpu ?? 0) > (specOf(before).cpu ?? 0), sizeText(each));
      });
      const seconds = (performance.now() - start) / 1000;
      const settled = await scene.pod('busy', 10, (each) =>
        assert.deepEqual(actualOf(each), specOf(each)),
      );
      await assertInForce(settled);
      assert.equal(pod.metadata.uid, before.metadata.uid);
      assert.equal(restartsOf(settled), 0);
      await load(scene.namespace, settled, { cpuTurns: 3000 });
      return `${sizeText(before)} → ${sizeText(pod)}, ${seconds.toFixed(0)} s after the load, no restart`;
    });
  },
);

calm.scenario(
  '3 memory hog',
  {
    name: 'hog',
    workloads: [
      {
        kind: 'Deployment',
        name: 'hog',
        resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '64Mi' } },
        used: { cpu: 0.01, memoryMi: 40 },
      },
    ],
    policy: { bounds: { minAllowed: { cpu: '20m', memory: '64Mi' } } },
  },
  (step) => {
    let first: StoredPod;
    step('is OOM-killed, and its limit is raised in place within a minute', async (scene) => {
      first = await scene.pod('hog');
      // Nothing is to be lowered, so that this is about the rescue alone.
      await delay(10_000);
      assert.equal(sizeText(await scene.pod('hog')), sizeText(first));
      await load(scene.namespace, first, { memoryMi: 90 });
      const start = performance.now();
      const killed = await scene.pod('hog', 30, (pod) => {
        const [{ state, lastState } = assert.fail()] = pod.status.containerStatuses ?? [];
        const reason = state?.terminated?.reason ?? lastState?.terminated?.reason;
        assert.equal(reason, 'OOMKilled');
      });
      const killedSeconds = (performance.now() - start) / 1000;
      const pod = await scene.pod('hog', 60, (each) => {
        assert.ok((specOf(each).memoryLimit ?? 0) > 100 * MI, sizeText(each));
      });
      const seconds = (performance.now() - start) / 1000 - killedSeconds;
      assert.equal(pod.metadata.uid, first.metadata.uid);
      return `OOMKilled (${restartsOf(killed)} restarts), 64Mi → ${sizeText(pod)} after ${seconds.toFixed(0)} s more`;
    });
    step('runs on with what it needs', async (scene) => {
      const restarts = await within(120, async () => {
        const pod = await scene.pod('hog');
        assert.ok(isRunning(pod) && isReady(pod));
        assert.deepEqual(actualOf(pod), specOf(pod));
        await delay(15_000);
        const still = await scene.pod('hog');
        assert.equal(restartsOf(still), restartsOf(pod), 'restarts within 15 s');
        assert.ok(isRunning(still));
        assert.equal(still.metadata.uid, first.metadata.uid);
        return restartsOf(still);
      });
      const changes = changeWords(await recommendationOf(scene, 'deployment-hog'));
      assert.match(changes, /Rescue Resize/);
      return `same pod with ${sizeText(await scene.pod('hog'))}, ${restarts} restarts and none for 15 s; history: ${changes}`;
    });
  },
);
