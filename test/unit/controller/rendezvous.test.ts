import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ownerOf } from '../../../src/controller/rendezvous.ts';

const NAMES = Array.from({ length: 6000 }, (_, i) => `team-${i % 40}-service-${i}`);

describe('the owner of a namespace', () => {
  for (const shards of [2, 3, 4, 7, 16]) {
    it(`is spread evenly over ${shards} shards`, () => {
      const counts = new Map<number, number>();
      for (const name of NAMES) {
        const owner = ownerOf(name, shards);
        counts.set(owner, (counts.get(owner) ?? 0) + 1);
      }
      const even = NAMES.length / shards;
      assert.equal(counts.size, shards);
      // Five standard deviations of an even draw.
      const far = 5 * Math.sqrt(even * (1 - 1 / shards));
      for (const count of counts.values()) {
        assert.ok(Math.abs(count - even) < far, `${count} of ${even}`);
      }
    });
  }

  it('moves only to the new one when a shard is added, and only from the last when one is taken away', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 63 }), (name, shards) => {
        const [before, after] = [ownerOf(name, shards), ownerOf(name, shards + 1)];
        return before < shards && (after === before || after === shards);
      }),
    );
  });

  it('is the first one for what is in no namespace, and for everything where there is one', () => {
    assert.equal(ownerOf(undefined, 16), 0);
    for (const name of NAMES.slice(0, 100)) assert.equal(ownerOf(name, 1), 0);
  });

  it('stays what it was in former versions', () => {
    // Another hash would make shards of two versions disagree in the middle of an update.
    assert.deepEqual(
      ['default', 'shop', 'kube-system', 'monitoring', 'team-a', 'team-b'].map((name) =>
        ownerOf(name, 5),
      ),
      PINNED,
    );
  });
});

const PINNED = [4, 4, 0, 4, 4, 4];
