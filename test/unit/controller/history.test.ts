import assert from 'node:assert/strict';
import { changeHistory } from '../../../src/api/history.ts';
import { historyOf, recordsOfHistory } from '../../../src/controller/history.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import { GI, MI, NOW } from '../../support/builders.ts';
import { aRecord } from './memoryacting.ts';

/** As it comes back from the API server. */
function written(records: readonly ChangeRecord[]) {
  return changeHistory.parse(JSON.parse(JSON.stringify(historyOf(records))));
}

describe('the history of changes', () => {
  it('comes back as it was', () => {
    const records: readonly ChangeRecord[] = [
      aRecord({ atSeconds: NOW - 9, outcome: 'TakenBack', outcomeSeconds: NOW, failures: 2 }),
      aRecord({ lane: 'Rescue', signalSeconds: NOW - 3 }),
      aRecord({
        lane: 'Return',
        containers: [
          {
            name: 'main',
            from: { requests: { cpu: 0.1 }, limits: {} },
            to: { requests: { cpu: 0.333, memory: 100 * MI + 1 }, limits: { memory: GI } },
          },
        ],
      }),
    ];
    assert.deepEqual(recordsOfHistory(written(records)), records);
    assert.deepEqual(written(recordsOfHistory(written(records))), written(records));
  });

  it('is nothing where nothing was written', () => {
    assert.deepEqual(recordsOfHistory(undefined), []);
    assert.deepEqual(historyOf([]), []);
  });

  it('keeps the newest, and what something rests on', () => {
    const old = aRecord({ atSeconds: NOW - 1e6, outcome: 'TakenBack' });
    const watched = aRecord({ atSeconds: NOW - 9e5 });
    const fine = Array.from({ length: 100 }, (_, index) =>
      aRecord({ atSeconds: NOW - 1000 + index, lane: 'Raise', outcome: 'Fine' }),
    );
    const kept = recordsOfHistory(written([old, watched, ...fine]));
    assert.equal(kept.length, 24);
    assert.deepEqual(kept.slice(0, 2), [old, watched]);
    assert.deepEqual(kept.at(-1), fine.at(-1));
  });

  it('keeps what pods in need were raised to, until these may be lowered', () => {
    const rescues = Array.from({ length: 40 }, (_, index) =>
      aRecord({
        atSeconds: NOW - 7200 + index,
        lane: 'Rescue',
        outcome: 'Fine',
        containers: [
          {
            name: 'main',
            from: { requests: { memory: GI }, limits: {} },
            to: { requests: { memory: GI + index * MI }, limits: {} },
          },
        ],
      }),
    );
    const [first] = rescues;
    const again = { ...first, atSeconds: NOW - 60 } as ChangeRecord;
    const raises = Array.from({ length: 30 }, (_, index) =>
      aRecord({ atSeconds: NOW - 1000 + index, lane: 'Raise', outcome: 'Fine' }),
    );
    const kept = recordsOfHistory(written([...rescues, ...raises, again]));
    // The last of the raises stays as well.
    assert.deepEqual(kept, [...rescues.slice(1), raises.at(-1), again]);
    const old = rescues.map((each) => ({ ...each, atSeconds: each.atSeconds - 31 * 86_400 }));
    assert.equal(recordsOfHistory(written([...old, ...raises])).length, 24);
  });

  it('keeps the furthest of more rescues than fit, of each container and resource', () => {
    const rescue = (index: number, name: string, to: ChangeRecord['containers'][number]['to']) =>
      aRecord({
        atSeconds: NOW - 7200 + index,
        lane: 'Rescue',
        containers: [{ name, from: { requests: {}, limits: {} }, to }],
      });
    const furthest = [
      rescue(0, 'main', { requests: { cpu: 1 }, limits: { memory: 4 * GI } }),
      rescue(1, 'main', { requests: { cpu: 4 }, limits: { memory: GI } }),
      rescue(2, 'proxy', { requests: { cpu: 0.2 }, limits: {} }),
    ];
    const others = Array.from({ length: 100 }, (_, index) =>
      rescue(10 + index, 'main', { requests: { cpu: 1 }, limits: { memory: GI + index * MI } }),
    );
    for (const outcome of ['Fine', 'Watching'] as const) {
      const all = [...furthest, ...others].map((record) => ({ ...record, outcome }));
      const kept = recordsOfHistory(written(all));
      assert.equal(kept.length, 64, outcome);
      assert.deepEqual(kept.slice(0, 3), all.slice(0, 3), outcome);
      assert.deepEqual(kept.at(-1), all.at(-1), outcome);
    }
  });

  it('lets raises go before savings where more is watched than fits', () => {
    const watched = Array.from({ length: 90 }, (_, index) =>
      aRecord({ atSeconds: NOW + index, lane: index % 2 === 0 ? 'Savings' : 'Raise' }),
    );
    const kept = recordsOfHistory(written(watched));
    assert.equal(kept.length, 64);
    assert.equal(kept.filter(({ lane }) => lane === 'Savings').length, 45);
  });

  it('cuts a long reason, and no character in two', () => {
    const [entry] = written([aRecord({ why: `${'x'.repeat(511)}😀${'y'.repeat(9999)}` })]);
    assert.ok((entry?.why.length ?? 0) <= 512);
    assert.ok(entry?.why.isWellFormed());
  });

  it('leaves out what cannot be read, and only that', () => {
    const [good] = written([aRecord({})]);
    assert.ok(good !== undefined);
    const sizes = { requests: { cpu: 'many' }, limits: {} };
    const odd = { ...good, containers: [{ name: 'main', from: sizes, to: sizes }] };
    const timeless = { ...good, time: 'yesterday' };
    assert.equal(recordsOfHistory([odd, good, timeless]).length, 1);
  });
});
