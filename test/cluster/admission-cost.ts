// What the admission policy adds to the creation of a pod, as the table in docs/admission.md.
//   test/cluster/run.sh node test/cluster/admission-cost.ts
import type { ContainerStatus, RecommendationStatus } from '../../src/api/recommendation.ts';
import {
  admitted,
  installAdmission,
  recommendWith,
  settled,
  uninstallAdmission,
  type PodSetup,
} from '../support/admission.ts';
import { createNamespace, deleteNamespace, directConnection, kubectl } from '../support/cluster.ts';
import { quantile } from 'simple-statistics';

const ACTIVE = [0, 10, 100, 1000];
const WARM_UP = 20;
const PODS = 100;

const DEPLOYMENT = { kind: 'Deployment', name: 'shop-0' };
const sizes = (cpu: string) => ({ requests: { cpu, memory: '1Gi' }, limits: { memory: '1Gi' } });

const DATE = '2026-11-23T15:00:00Z';
const condition = (type: string, message: string) => ({
  ...{ type, message, status: 'True' as const, observedGeneration: 1 },
  ...{ lastTransitionTime: DATE, reason: 'Recommended' },
});
const clamp = (resource: 'cpu' | 'memory', from: string, to: string) => ({
  ...{ clamp: 'Bounds', resource, field: 'request' as const, from, to },
  message: 'The lower bound of the policy holds, which is above what was computed.',
});
const containerOf = (name: string, cpu: string): ContainerStatus => ({
  ...{ name, kind: 'Container', current: sizes('1'), target: sizes(cpu) },
  uncapped: { cpu: '173m', memory: '1018Mi' },
  cpu: {
    rule: 'the 95th percentile of 14 days of CPU use (half-life 3 d), 165m, × 1.05 = 173m',
    ...{ promised: '5%', realised: '3.8%', interval: '2.9% to 4.9%', observedDays: 13 },
    ...{ worstDay: '2026-11-17: 6.1%', workOver: '1.2%' },
  },
  memory: {
    rule: 'the highest peak of 14 days, 885Mi, × 1.15 = 1018Mi',
    ...{ promised: '1%', realised: '0%', interval: '0% to 24.7%', observedDays: 13 },
  },
  evidence: {
    ...{ days: 14, pods: 2, from: '2026-11-09', to: '2026-11-23' },
    ...{ basis: 'OwnHistory', confidence: 'High', behaviour: 'Diurnal' },
  },
  clamps: [clamp('cpu', '173m', '180m'), clamp('memory', '1018Mi', '1Gi')],
  explanation:
    'CPU: the 95th percentile of 14 days, raised to the bound of the policy. Memory: the highest peak with a margin, rounded.',
});

/** As large as the operator's own for a pod of two containers. */
const STATUS: RecommendationStatus = {
  conditions: [
    condition('Ready', 'A recommendation rests on 14 days of usage.'),
    condition('RiskKept', 'What the same rule would have realised is within the promise.'),
  ],
  mode: 'Admission',
  policy: { kind: 'RightsizePolicy', name: 'balanced', uid: 'b1f5', generation: 1 },
  summary: {
    ...{ cpu: '2 → 200m', memory: '2Gi → 2Gi', cpuRisk: '3.8% of 5%', memoryRisk: '0% of 1%' },
    ...{ saves: '1.8', status: 'Applied', policy: 'RightsizePolicy/balanced', evidence: '14d' },
    ...{ basis: 'OwnHistory', confidence: 'High' },
  },
  containers: [containerOf('web', '180m'), containerOf('proxy', '20m')],
  admission: [
    { name: 'web', ...sizes('180m') },
    { name: 'proxy', ...sizes('20m') },
  ],
  savings: { cpu: '1800m', memory: '0' },
};

/** A pod of a Deployment: `shop-0` has a recommendation wherever there is one. */
function podOf(name: string): PodSetup {
  const hash = '6c8d9b7f54';
  return {
    owner: { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: `${name}-${hash}` },
    labels: { 'pod-template-hash': hash },
    containers: { web: sizes('1'), proxy: sizes('1') },
  };
}

const connection = directConnection();

/** Milliseconds of each creation, one after the other, as a client sees them. */
async function creations(namespace: string, pod: PodSetup): Promise<readonly number[]> {
  const times: number[] = [];
  for (let made = 0; made < WARM_UP + PODS; made++) {
    const begin = performance.now();
    await admitted(connection, namespace, pod);
    times.push(performance.now() - begin);
  }
  return times.slice(WARM_UP);
}

async function row(title: string, namespace: string): Promise<void> {
  const cells: string[] = [];
  for (const pod of [podOf('other'), podOf(DEPLOYMENT.name)]) {
    const times = [...(await creations(namespace, pod))];
    cells.push(...[0.5, 0.95].map((share) => `${quantile(times, share).toFixed(1)} ms`));
  }
  console.log(`| ${[title, ...cells].join(' | ')} |`);
}

async function measure(namespace: string): Promise<void> {
  const header = ['active', 'not sized: median', '95 %', 'sized: median', '95 %'];
  console.log(`| ${header.join(' | ')} |\n|${' --- |'.repeat(header.length)}`);
  await row('no policy', namespace);
  await installAdmission();
  await settled(connection, namespace);
  await kubectl('-n', namespace, 'delete', 'rsrec', '--all');
  let made = 0;
  for (const active of ACTIVE) {
    for (; made < active; made++) {
      const target = { kind: 'Deployment', name: `shop-${made}` };
      await recommendWith(connection, namespace, target, STATUS);
    }
    await row(String(active), namespace);
  }
  const name = 'deployment-shop-0';
  const flags = ['-o', 'json', '--show-managed-fields'];
  const stored = await kubectl('-n', namespace, 'get', 'rsrec', name, ...flags);
  console.log(`\nbytes of one Recommendation: ${JSON.stringify(JSON.parse(stored)).length}`);
}

const namespace = await createNamespace('admission-cost');
try {
  await measure(namespace);
} finally {
  await uninstallAdmission();
  await deleteNamespace(namespace);
  await connection.close();
}
