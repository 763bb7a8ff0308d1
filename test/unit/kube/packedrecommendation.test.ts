import { strict as assert } from 'node:assert';
import type { RecommendationStatus } from '../../../src/api/recommendation.ts';
import { Store } from '../../../src/kube/store.ts';
import { PackedRecommendation } from '../../../src/kube/packedrecommendation.ts';

const STORED = {
  namespace: 'shop',
  name: 'deployment-web',
  uid: 'uid-web',
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  ownerUid: 'uid-owner',
  isActive: true,
};

function aStatus(cpu: string): RecommendationStatus {
  return { mode: 'Recommend', reason: cpu };
}

describe('a Recommendation that is kept packed', () => {
  it('says what it said', () => {
    const packed = new PackedRecommendation({ ...STORED, status: aStatus('250m → 87m ✓') });
    const { namespace, name, uid, targetRef, ownerUid, isActive, status } = packed;
    assert.deepEqual({ namespace, name, uid, targetRef, ownerUid, isActive }, STORED);
    assert.deepEqual(status, aStatus('250m → 87m ✓'));
  });

  it('has no status where it had none', () => {
    assert.equal(new PackedRecommendation({ ...STORED, status: undefined }).status, undefined);
  });

  it('is news where its status alone is another, or gone, and none where it is the same', () => {
    const store = new Store<PackedRecommendation>();
    const put = (status: RecommendationStatus | undefined) =>
      store.put('deployment-web', new PackedRecommendation({ ...STORED, status }))?.kind;
    assert.equal(put(aStatus('250m')), 'Added');
    assert.equal(put(aStatus('250m')), undefined);
    assert.equal(put(aStatus('87m')), 'Updated');
    assert.equal(put(undefined), 'Updated');
  });

  it('says without its status whether that has a history', () => {
    const record = { time: '2027-01-15T09:00:00Z', kind: 'InPlace' };
    const hasHistory = (history: readonly unknown[]) =>
      new PackedRecommendation({
        ...STORED,
        status: { ...aStatus('1'), history } as unknown as RecommendationStatus,
      }).hasHistory;
    assert.deepEqual([hasHistory([]), hasHistory([record])], [false, true]);
  });

  it('is not mixed up with others that are looked at by turns', () => {
    const all = Array.from(
      { length: 10 },
      (_, cpu) => new PackedRecommendation({ ...STORED, status: aStatus(`${cpu}m`) }),
    );
    for (let round = 0; round < 3; round++) {
      all.forEach((each, cpu) => assert.deepEqual(each.status, aStatus(`${cpu}m`)));
    }
  });
});
