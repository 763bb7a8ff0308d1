import assert from 'node:assert/strict';
import type { PodOutcome } from '../../../src/cli/revertpods.ts';
import { notBack, revertJson, revertSummary, revertText } from '../../../src/cli/revertreport.ts';
import type { RevertResult, WorkloadResult } from '../../../src/cli/revertrun.ts';
import type { Pod } from '../../../src/controller/ports.ts';
import type { PodRevert } from '../../../src/controller/revert.ts';
import { MI } from '../../support/builders.ts';
import { aWorkload } from '../controller/memorycluster.ts';

const web = aWorkload('web');

function aWay(name: string, needsNewPod: readonly string[] = []): PodRevert {
  const from = { requests: { cpu: 0.2 }, limits: { memory: 128 * MI } };
  const to = { requests: { cpu: 1, memory: 512 * MI }, limits: { memory: 1024 * MI } };
  return {
    pod: { name, uid: `uid-${name}` } as Pod,
    containers: [{ name: 'main', kind: 'Container', from, to }],
    needsNewPod,
  };
}

function aResult(
  ways: readonly (readonly [PodRevert, PodOutcome | undefined])[],
  change: Partial<WorkloadResult> = {},
): WorkloadResult {
  const pods = ways.flatMap(([{ pod }, outcome]) =>
    outcome === undefined ? [] : [[pod.uid, outcome] as const],
  );
  const plan = {
    workload: web,
    pods: ways.map(([way]) => way),
    givesBackTemplate: false,
    leftAlone: [],
  };
  return {
    plan,
    refusal: undefined,
    template: 'Untouched',
    pods: new Map(pods),
    newPods: undefined,
    ...change,
  };
}

function report(workloads: readonly WorkloadResult[], change: Partial<RevertResult> = {}) {
  return { isDryRun: false, workloads, suspended: [], ...change };
}

const CHANGE =
  'main: cpu request 200m -> 1, memory request none -> 512Mi, memory limit 128Mi -> 1Gi';

describe('what revert tells', () => {
  const mixed = report([
    aResult([
      [aWay('a'), { kind: 'Back' }],
      [aWay('b'), { kind: 'NotBack', message: 'Deferred: no room' }],
      [aWay('c', ['main: the template has no cpu limit']), { kind: 'Back' }],
      [aWay('d'), { kind: 'Gone' }],
      [aWay('e'), { kind: 'Untouched' }],
    ]),
  ]);

  it('has a line for each container, with what became of it', () => {
    assert.deepEqual(revertText(mixed).trimEnd().split('\n'), [
      'shop/Deployment/web',
      `  pod a: ${CHANGE}: back`,
      `  pod b: ${CHANGE}: not back: Deferred: no room`,
      `  pod c: ${CHANGE}: back`,
      '  pod c: needs a new pod: main: the template has no cpu limit',
      `  pod d: ${CHANGE}: gone meanwhile`,
      `  pod e: ${CHANGE}: untouched`,
    ]);
  });

  it('counts as back what has all of its template, and names the rest', () => {
    assert.equal(revertSummary(mixed), '1 pod put back in place, 2 not\n');
    assert.deepEqual(notBack(mixed), [
      'shop/Deployment/web: pod b: Deferred: no room',
      'shop/Deployment/web: pod c: needs a new pod: main: the template has no cpu limit',
    ]);
  });

  it('says the same to programs', () => {
    const { workloads, notBack: count } = JSON.parse(revertJson(mixed)) as {
      readonly notBack: number;
      readonly workloads: readonly { readonly pods: readonly { readonly outcome: string }[] }[];
    };
    assert.deepEqual(
      workloads[0]?.pods.map(({ outcome }) => outcome),
      ['Back', 'NotBack', 'NeedsNewPod', 'Gone', 'Untouched'],
    );
    assert.equal(count, 2);
  });

  it('claims nothing of a dry run', () => {
    const dry = report(
      [
        aResult([
          [aWay('a'), { kind: 'Back' }],
          [aWay('b'), { kind: 'NotBack', message: 'Forbidden: no' }],
        ]),
      ],
      { isDryRun: true },
    );
    assert.match(revertText(dry), /pod a: .* -> 1Gi\n/);
    assert.match(revertText(dry), /pod b: .* -> 1Gi: cannot be put back: Forbidden: no\n/);
    assert.equal(revertSummary(dry), '1 pod would be put back in place, 1 not\n');
  });

  it('names a refused workload once, whatever its pods', () => {
    const refused = report([aResult([[aWay('a'), undefined]], { refusal: 'a policy acts' })]);
    assert.deepEqual(notBack(refused), ['shop/Deployment/web: a policy acts']);
    assert.match(revertText(refused), /^ {2}refused: a policy acts$/m);
  });

  it('says how to lift a suspension once it is there', () => {
    const lift = /^ {2}kubectl -n shop annotate deployment web rightsize\.dev\/suspend-$/m;
    assert.match(revertSummary(report([], { suspended: [web] })), lift);
    const dry = revertSummary(report([], { suspended: [web], isDryRun: true }));
    assert.match(dry, /1 workload would be suspended/);
    assert.doesNotMatch(dry, lift);
  });

  it('says so when there is nothing', () => {
    assert.equal(revertSummary(report([])), 'nothing to put back\n');
  });

  it('tells of templates that are given back, and of those that are not', () => {
    const of = (template: WorkloadResult['template']) => {
      const result = aResult([], { template });
      return report([{ ...result, plan: { ...result.plan, givesBackTemplate: true } }]);
    };
    assert.match(revertText(of('GivenBack')), /template: given back/);
    assert.match(revertSummary(of('GivenBack')), /1 template given back, 0 not/);
    assert.match(revertText(of({ message: 'no' })), /template: not given back: no/);
    assert.deepEqual(notBack(of({ message: 'no' })), ['shop/Deployment/web: template: no']);
  });
});
