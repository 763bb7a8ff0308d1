import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { UnpackedContainers } from '../../../src/controller/containerusage.ts';
import { entrySlabs, UsageEntry, type EntrySlabs } from '../../../src/controller/usageplan.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aHistory, days, NOW } from '../../support/builders.ts';
import { random } from '../../support/history-generator.ts';
import { packedOf } from '../../support/packed.ts';
import { aWorkload } from './memorycluster.ts';
import { UsageSlabs, type Slot } from '../../../src/controller/usageslabs.ts';

const KIB = 1024;

/** Bytes that say which they are, and where they begin and end. */
function bytesOf(id: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(id % 251);
  bytes[length - 1] = 253;
  bytes[0] = 252;
  return bytes;
}

function assertHolds({ packed, length }: Slot, id: number): void {
  assert.ok(Buffer.from(packed).equals(bytesOf(id, length)), `slot ${id} of ${length} bytes`);
}

describe('slabs of packed usage', () => {
  it('give back what was put, whatever was freed and put before, after and between', () => {
    const step = fc.record({
      length: fc.oneof(fc.integer({ min: 1, max: 20 * KIB }), fc.constant(300 * KIB)),
      frees: fc.array(fc.nat(), { maxLength: 3 }),
    });
    const property = fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const slabs = new UsageSlabs();
      const held = new Map<number, Slot>();
      steps.forEach(({ length, frees }, id) => {
        held.set(id, slabs.put(bytesOf(id, length)));
        for (const free of frees) {
          const [freed] = [...held].splice(free % held.size, 1);
          if (freed === undefined || held.size === 1) continue;
          slabs.free(freed[1]);
          held.delete(freed[0]);
        }
      });
      for (const [id, slot] of held) assertHolds(slot, id);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('hold little more than is in use when all is replaced by what is some bytes longer', () => {
    const slabs = new UsageSlabs();
    let slots = Array.from({ length: 2000 }, (_, id) => slabs.put(bytesOf(id, 8 * KIB)));
    for (let round = 1; round <= 5; round++) {
      slots = slots.map((slot, id) => {
        const next = slabs.put(bytesOf(id, 8 * KIB + 23 * round));
        slabs.free(slot);
        return next;
      });
    }
    const used = slots.reduce((sum, { length }) => sum + length, 0);
    assert.ok(slabs.heldBytes < 1.1 * used, `${slabs.heldBytes} for ${used}`);
  });

  it('hold little more than is in use when some of all are gone', () => {
    const slabs = new UsageSlabs();
    const slots = Array.from({ length: 2000 }, (_, id) => slabs.put(bytesOf(id, 8 * KIB)));
    const left = slots.filter((slot, id) => {
      if (id % 4 === 0) return true;
      slabs.free(slot);
      return false;
    });
    const used = left.reduce((sum, { length }) => sum + length, 0);
    assert.ok(slabs.heldBytes < 1.4 * used, `${slabs.heldBytes} for ${used}`);
    left.forEach((slot, at) => {
      assertHolds(slot, 4 * at);
    });
  });

  it('hold next to nothing when all is freed, and what is freed twice was freed once', () => {
    const slabs = new UsageSlabs();
    const slots = Array.from({ length: 500 }, (_, id) => slabs.put(bytesOf(id, 8 * KIB)));
    for (const slot of [...slots, ...slots]) slabs.free(slot);
    assert.ok(slabs.heldBytes <= 256 * KIB);
    assert.equal(slots[0]?.packed.length, 0);
    const again = slabs.put(bytesOf(7, 100));
    assertHolds(again, 7);
  });
});

describe('usage of a workload that is looked at for long', () => {
  const key = aWorkload('cart').ref;
  const fresh = (count: number) =>
    new Map([['main', packedOf(aHistory(days(count)) ?? assert.fail())]]);

  const heldBy = ({ usage, walks }: EntrySlabs) => usage.heldBytes + walks.heldBytes;

  function begun() {
    const slabs = entrySlabs();
    const entry = new UsageEntry(key, 14 * DAY_SECONDS, NOW, slabs);
    return { slabs, entry, held: new UnpackedContainers(() => entry.containers) };
  }

  it('is what is known now', () => {
    const { entry, held } = begun();
    assert.equal(held.size, 0);
    entry.merge(fresh(3), NOW);
    assert.equal(held.get('main')?.days.length, 3);
    entry.merge(fresh(9), NOW);
    assert.equal(held.get('main')?.days.length, 9);
  });

  it('stays what it was when the workload is forgotten, and what is read of it then is let go', () => {
    const { slabs, entry, held } = begun();
    const before = heldBy(slabs);
    entry.merge(fresh(9), NOW);
    entry.forget();
    const after = heldBy(slabs);
    assert.equal(held.get('main')?.days.length, 9);
    for (let reading = 0; reading < 100; reading++) entry.merge(fresh(14), NOW);
    assert.equal(held.get('main')?.days.length, 9);
    assert.deepEqual([before, heldBy(slabs)], [0, after]);
  });

  it('takes over what is read, and its memory', () => {
    const { entry } = begun();
    const read = fresh(3);
    entry.merge(read, NOW);
    assert.equal(read.get('main')?.length, 0);
  });

  it('is unpacked as it was, also when what is kept lies elsewhere by then', () => {
    const { entry, held } = begun();
    entry.merge(fresh(9), NOW);
    const history = held.get('main');
    for (let reading = 0; reading < 100; reading++) entry.merge(fresh(14), NOW);
    const first = (of: typeof history) => of?.days[0]?.hours.cpu[0]?.samples;
    assert.equal(first(history), 1);
    assert.equal(first(history), first(held.get('main')));
  });

  describe('and the walk over it', () => {
    const walked = Float64Array.of(0.1, -7, Infinity, NaN, 1e300);

    it('stay together through all readings', () => {
      const { slabs, entry } = begun();
      assert.equal(entry.walkOf('main'), undefined);
      entry.merge(fresh(9), NOW);
      assert.equal(entry.walkOf('main'), undefined);
      entry.keepWalk('main', walked);
      const before = heldBy(slabs);
      for (let reading = 0; reading < 100; reading++) {
        entry.merge(fresh(14), NOW);
        assert.deepEqual(entry.walkOf('main'), walked);
      }
      assert.equal(heldBy(slabs), before);
    });

    /** Some 2 kB that cannot be packed any smaller. */
    const aWalk = (seed: number) => Float64Array.from({ length: 250 }, (_, i) => random(seed, i));

    it('are what was kept last, and nothing of what is not there', () => {
      const { slabs, entry } = begun();
      entry.keepWalk('main', walked);
      assert.equal(entry.walkOf('main'), undefined);
      entry.merge(fresh(9), NOW);
      for (let day = 0; day < 2000; day++) entry.keepWalk('main', aWalk(day));
      assert.deepEqual(entry.walkOf('main'), aWalk(1999));
      entry.keepWalk('other', walked);
      assert.equal(entry.walkOf('other'), undefined);
      assert.ok(heldBy(slabs) <= 768 * KIB, `${heldBy(slabs)} of 4 MB that were put are held`);
    });

    it('are let go with the container, and with the workload', () => {
      const slabs = entrySlabs();
      const entries = Array.from(
        { length: 1000 },
        () => new UsageEntry(key, 14 * DAY_SECONDS, NOW, slabs),
      );
      const ends: readonly ((entry: UsageEntry) => void)[] = [
        // What is kept of it has left the window by then.
        (entry) => entry.merge(new Map(), NOW + 30 * DAY_SECONDS),
        (entry) => entry.forget(),
      ];
      for (const end of ends) {
        for (const [index, entry] of entries.entries()) {
          entry.merge(fresh(1), NOW);
          entry.keepWalk('main', aWalk(index));
        }
        assert.ok(heldBy(slabs) > 1536 * KIB);
        for (const entry of entries) {
          end(entry);
          entry.keepWalk('main', walked);
          assert.equal(entry.walkOf('main'), undefined);
        }
        assert.ok(heldBy(slabs) <= 512 * KIB, `${heldBy(slabs)} are held`);
      }
    });
  });
});
