import assert from 'node:assert/strict';
import type { TemplateChanger } from '../../../src/controller/changeports.ts';
import type { Workload } from '../../../src/controller/ports.ts';
import { createTemplateChanger } from '../../../src/kube/templates.ts';
import { withAnswers, type Status } from '../../support/refusing-server.ts';
import { workloadOf } from '../../support/templated.ts';

const REAL = { isDryRun: false, signal: new AbortController().signal };
const MAIN = {
  name: 'main',
  kind: 'Container',
  sizes: { requests: { cpu: 0.25 }, limits: {} },
} as const;

const of = (kind: Workload['ref']['kind'], containers: readonly string[] = ['main']): Workload => ({
  ...workloadOf({ namespace: 'shop', kind, name: 'cart' }),
  containers: containers.map((name) => ({
    name,
    kind: 'Container',
    requests: {},
    limits: {},
    restartsOn: [],
  })),
});
const apply = (
  workload: Workload,
  containers: Parameters<TemplateChanger['apply']>[1],
  ...statuses: readonly Status[]
) =>
  withAnswers(statuses, (connection) =>
    createTemplateChanger(connection).apply(workload, containers, REAL),
  );

describe('a pod template', () => {
  const refusals: Readonly<Record<string, { workload: Workload; want: string }>> = {
    'of a Job': {
      workload: of('Job'),
      want: 'The template of a Job cannot be changed once the Job is there.',
    },
    'of a Rollout that has none of its own': {
      workload: of('Rollout', []),
      want: 'The Rollout takes its pod template from the workload in spec.workloadRef; size that one.',
    },
    'without the container': {
      workload: of('Deployment', ['web']),
      want: 'The pod template has no container main any more.',
    },
  };
  for (const [title, { workload, want }] of Object.entries(refusals)) {
    it(`is not asked for ${title}`, async () => {
      const { answer, requests } = await apply(workload, [MAIN], { code: 200 });
      assert.deepEqual(answer, { kind: 'Refused', message: want });
      assert.equal(requests.length, 0);
    });
  }

  it('of a Job has nothing to give back', async () => {
    const { answer, requests } = await apply(of('Job'), [], { code: 200 });
    assert.deepEqual(answer, { kind: 'Accepted' });
    assert.equal(requests.length, 0);
  });

  it('is left to the caller when nobody knows whether it was changed', async () => {
    const { thrown, requests } = await apply(of('Deployment'), [MAIN], { code: 503 });
    assert.equal((thrown as { status?: number }).status, 503);
    assert.equal(requests.length, 1);
  });

  it('is Refused by a webhook with any status', async () => {
    const message = 'admission webhook "a.b" denied the request: not now';
    for (const code of [400, 403, 409, 422]) {
      const { answer } = await apply(of('Deployment'), [MAIN], { code, message });
      assert.deepEqual(answer, { kind: 'Refused', message });
    }
  });
});
