import assert from 'node:assert/strict';
import { suspensionOf } from '../../../src/controller/suspension.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aPolicy, aWorkload, MemoryCluster } from './memorycluster.ts';

const SUSPEND = 'rightsize.dev/suspend';
const UNTIL = 'rightsize.dev/suspend-until';
const LATER = '2027-01-15T02:00:00+01:00';

interface Case {
  readonly on: 'policy' | 'namespace' | 'workload';
  readonly annotations: Readonly<Record<string, string>>;
  readonly want: { readonly by: RegExp; readonly untilSeconds?: number } | undefined;
}

const CASES: Readonly<Record<string, Case>> = {
  'holds by the annotation of a policy': {
    on: 'policy',
    annotations: { [SUSPEND]: 'true' },
    want: {
      by: /^the RightsizePolicy own: rightsize.dev\/suspend says "true"$/,
    },
  },
  'holds by the annotation of a namespace': {
    on: 'namespace',
    annotations: { [SUSPEND]: 'true' },
    want: { by: /the namespace shop:/ },
  },
  'holds by the annotation of a workload': {
    on: 'workload',
    annotations: { [SUSPEND]: 'true' },
    want: { by: /the Deployment cart:/ },
  },
  'does not hold by a false': {
    on: 'workload',
    annotations: { [SUSPEND]: 'false' },
    want: undefined,
  },
  'holds by a word that is neither, and says so': {
    on: 'workload',
    annotations: { [SUSPEND]: 'yes' },
    want: { by: /says "yes", which counts as "true"; write "true" or "false"/ },
  },
  'holds until a time': {
    on: 'workload',
    annotations: { [UNTIL]: LATER },
    want: { by: /says "2027-01-15T02:00:00\+01:00"$/, untilSeconds: NOW + HOUR_SECONDS },
  },
  'has run out at its time': {
    on: 'workload',
    annotations: { [UNTIL]: '2027-01-15T00:00:00Z' },
    want: undefined,
  },
  'holds by a day without a time, and says so': {
    on: 'namespace',
    annotations: { [UNTIL]: '2020-01-01' },
    want: { by: /says "2020-01-01", which is no time and counts as one that never comes/ },
  },
  'holds by a time without a zone, and says so': {
    on: 'namespace',
    annotations: { [UNTIL]: '2020-01-01T00:00:00' },
    want: { by: /which is no time/ },
  },
  'repeats only the beginning of a long text': {
    on: 'workload',
    annotations: { [UNTIL]: 'x'.repeat(5000) },
    want: { by: /^.{0,300}x{64}….{0,200}$/ },
  },
  'holds on when a time ran out and a word says so too': {
    on: 'workload',
    annotations: { [UNTIL]: '2020-01-01T00:00:00Z', [SUSPEND]: 'true' },
    want: { by: /suspend says "true"/ },
  },
};

describe('a suspension', () => {
  for (const [title, { on, annotations, want }] of Object.entries(CASES)) {
    it(title, () => {
      const of = (what: Case['on']) => (on === what ? annotations : {});
      const policy = aPolicy('own', {}, { annotations: of('policy') });
      const workload = aWorkload('cart', { annotations: of('workload') });
      const cluster = new MemoryCluster().add(policy, workload);
      cluster.namespaces.set('shop', { name: 'shop', labels: {}, annotations: of('namespace') });
      const found = suspensionOf(cluster, workload, policy, NOW);
      if (want === undefined) {
        assert.equal(found, undefined);
        return;
      }
      assert.match(found?.by ?? '', want.by);
      assert.equal(found?.untilSeconds, want.untilSeconds);
    });
  }

  it('holds by the policy itself before all annotations', () => {
    const policy = aPolicy('own', { suspend: true }, { annotations: { [UNTIL]: LATER } });
    const found = suspensionOf(new MemoryCluster(), aWorkload('cart'), policy, NOW);
    assert.deepEqual(found, {
      by: 'the RightsizePolicy own: suspend is true',
      untilSeconds: undefined,
    });
  });
});
