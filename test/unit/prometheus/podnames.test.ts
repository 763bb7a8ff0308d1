import assert from 'node:assert/strict';
import type { WorkloadKind, WorkloadRef } from '../../../src/controller/ports.ts';
import { ownerByName, siblingsOf } from '../../../src/prometheus/podnames.ts';

function siblings(...texts: readonly `${WorkloadKind}/${string}`[]): readonly WorkloadRef[] {
  return texts.map((text) => {
    const [kind, name = ''] = text.split('/');
    return { namespace: 'shop', kind: kind as WorkloadKind, name };
  });
}

describe('the owner of a pod by its name', () => {
  const all = siblings(
    'Deployment/web',
    'Deployment/web-api',
    'StatefulSet/db',
    'DaemonSet/agent',
    'Job/migrate',
    'CronJob/report',
    'Rollout/front',
  );
  const cases: Readonly<Record<string, string | undefined>> = {
    'web-5d8f7c9b4-x7k2p': 'web',
    'web-api-5d8f7c9b4-x7k2p': 'web-api',
    'front-6b7d8f9c45-x7k2p': 'front',
    'db-0': 'db',
    'db-12': 'db',
    'agent-x7k2p': 'agent',
    'migrate-x7k2p': 'migrate',
    'migrate-3-x7k2p': 'migrate',
    'report-29123460-x7k2p': 'report',
    'report-29123460-0-x7k2p': 'report',
    'web-cron-5d8f7c9b4-x7k2p': undefined,
    'web-api-0': undefined,
    'web-5d8f7c9b4-x7k2a': undefined,
    'web-5d8f7c9b4': undefined,
    'report-2912346-x7k2p': undefined,
    'webb-5d8f7c9b4-x7k2p': undefined,
    web: undefined,
    '': undefined,
  };
  for (const [pod, want] of Object.entries(cases)) {
    it(`${pod || 'an empty name'} is of ${want ?? 'nobody'}`, () =>
      assert.equal(ownerByName(pod, siblingsOf(all))?.name, want));
  }

  it('is nobody when two siblings could have it', () => {
    const both = siblingsOf(siblings('Deployment/web', 'DaemonSet/web-bcdfgh'));
    assert.equal(ownerByName('web-bcdfgh-x7k2p', both), undefined);
    assert.equal(ownerByName('web-5d8f7c9b4-x7k2p', both)?.name, 'web');
  });

  it('is not taken from a word that stands where the template hash would', () => {
    const only = siblingsOf(siblings('Deployment/web'));
    assert.equal(ownerByName('web-db-x7k2p', only), undefined);
    assert.equal(ownerByName('web-tls-x7k2p', only), undefined);
  });
});
