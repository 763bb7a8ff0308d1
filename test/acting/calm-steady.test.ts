// What the operator writes while there is nothing to do. test/acting/run.sh
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { auditEntries, isDone, writeWords, type AuditEntry } from '../support/acting-audit.ts';
import { calm } from '../support/acting-calm.ts';
import { within } from '../support/acting-pods.ts';
import { recommendationsIn } from '../support/own-objects.ts';

/**
 * Of the scenarios beside, in namespaces of their own, and of what is kept nowhere or says who leads. All else counts, in
 * whatever namespace or in none.
 */
function isOfOthers({ objectRef }: AuditEntry, own: string): boolean {
  const { namespace, resource } = objectRef ?? {};
  if (resource === 'leases' || resource === 'selfsubjectaccessreviews') return true;
  return namespace !== undefined && namespace !== own && BESIDE.test(namespace);
}

const BESIDE = /^calm-(?!system$)/;

/** Those with a pod; a node bears about a hundred in all, and other scenarios run beside. */
const RUNNING = 30;
const ALL = 200;
/** How long nothing is to be written; STEADY=3600 looks at an hour. */
const SECONDS = Number(process.env['STEADY'] ?? 60);

calm.scenario(
  '16 steady',
  {
    name: 'steady',
    workloads: Array.from({ length: ALL }, (_, i) => ({
      kind: 'Deployment',
      name: `idle-${i}`,
      replicas: i < RUNNING ? 1 : 0,
      resources: { requests: { cpu: '2m', memory: '32Mi' }, limits: { memory: '32Mi' } },
      used: { cpu: 0.0005, memoryMi: 4 },
      days: 1,
      script: undefined,
    })),
    policy: { bounds: { minAllowed: { cpu: '2m', memory: '32Mi' } } },
  },
  (step) => {
    step('writes nothing for 200 workloads that have what is recommended', async (scene) => {
      const states = await within(120, async () => {
        const found = [...(await recommendationsIn(scene.connection, scene.namespace)).values()];
        const of = found.map(({ status }) => status?.summary?.status ?? 'none');
        assert.equal(found.length, ALL);
        assert.ok(
          of.every((state) => state === 'Applied' || state === 'Fits'),
          String([...new Set(of)]),
        );
        return of;
      });
      // Events and the policy's figures come a moment after.
      await delay(20_000);
      const readings = async () =>
        (await scene.world.operator().log()).split('"usage read"').length - 1;
      const [since, read] = [new Date().toISOString(), await readings()];
      await delay(SECONDS * 1000);
      const until = new Date().toISOString();
      const writes = (await auditEntries())
        .filter(isDone)
        .filter(({ user }) => user.username === scene.world.user)
        .filter(({ requestReceivedTimestamp: at }) => at >= since && at <= until)
        .filter((entry) => !isOfOthers(entry, scene.namespace));
      assert.deepEqual(writes.map(writeWords), []);
      const times = (await readings()) - read;
      assert.ok(times >= 5, `usage was read ${times} times`);
      return `0 writes in ${SECONDS} s with ${times} readings of usage (hourly by default); ${ALL} Deployments, ${RUNNING} with a pod, ${[...new Set(states)].join(', ')}`;
    });
  },
);
