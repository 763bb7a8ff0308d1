import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  awaitedOf,
  claimId,
  firstOf,
  isClaimed,
  parseClaim,
  type Claim,
  type Peer,
} from '../../../src/controller/claims.ts';

const claims: fc.Arbitrary<Claim> = fc
  .record({
    shards: fc.integer({ min: 1, max: 5 }),
    part: fc.nat(),
    epoch: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ shards, part, epoch }) => ({ index: part % shards, shards, epoch }));

function peer(claim: Claim, yieldsTo: readonly Claim[] = []): Peer {
  return { ...claim, yieldsTo: yieldsTo.map(claimId), figures: new Map() };
}

/** Whom a claim leaves a namespace to, as it sees one other. */
function leavesAlone(self: Claim, other: Peer): readonly Peer[] {
  return [...firstOf(self, [other]), ...awaitedOf(self, [other])];
}

describe('a claim', () => {
  it('reads back from its text', () => {
    fc.assert(
      fc.property(claims, (claim) => {
        assert.deepEqual(parseClaim(claimId(claim)), claim);
      }),
    );
    for (const text of ['', '3/3@1', '1/2', '-1/2@1', '1/2@x', 'a']) {
      assert.equal(parseClaim(text), undefined);
    }
  });

  it('is never acted on by two that see each other, whoever has yielded to whom', () => {
    fc.assert(
      fc.property(claims, claims, fc.string(), fc.boolean(), (a, b, namespace, hasYielded) => {
        const isSameLease = a.index === b.index && a.shards > 1 && b.shards > 1;
        fc.pre(!isSameLease && claimId(a) !== claimId(b) && a.shards !== b.shards);
        const [late, early] = firstOf(a, [peer(b)]).length > 0 ? [b, a] : [a, b];
        const earlyActs =
          isClaimed(early, namespace) &&
          !leavesAlone(early, peer(late)).some((each) => isClaimed(each, namespace));
        const lateActs =
          isClaimed(late, namespace) &&
          !leavesAlone(late, peer(early, hasYielded ? [late] : [])).some((each) =>
            isClaimed(each, namespace),
          );
        assert.ok(!(earlyActs && lateActs));
      }),
    );
  });

  it('waits for one of another count that came before, until that one yields to it', () => {
    const [old, fresh] = [
      { index: 0, shards: 2, epoch: 1 },
      { index: 2, shards: 3, epoch: 2 },
    ];
    assert.equal(awaitedOf(fresh, [peer(old)]).length, 1);
    assert.equal(awaitedOf(fresh, [peer(old, [{ ...fresh, epoch: 1 }])]).length, 1);
    assert.equal(awaitedOf(fresh, [peer(old, [fresh])]).length, 0);
    assert.equal(firstOf(old, [peer(fresh)]).length, 1);
  });

  it('has nothing to do with others of the same count', () => {
    const one = { index: 0, shards: 3, epoch: 1 };
    for (const index of [1, 2]) {
      const other = peer({ index, shards: 3, epoch: 2 });
      assert.deepEqual(leavesAlone(one, other), []);
    }
  });
});
