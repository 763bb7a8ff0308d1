import assert from 'node:assert/strict';
import { LastUnpacked } from '../../../src/controller/lastunpacked.ts';

describe('the last that were unpacked', () => {
  it('are unpacked once while they are looked at, and the oldest is let go for a new one', () => {
    const unpacked: string[] = [];
    const dropped: string[] = [];
    const last = new LastUnpacked<string, string>(3, (of) => dropped.push(of));
    const look = (packed: string) =>
      last.of(packed, () => {
        unpacked.push(packed);
        return packed.toUpperCase();
      });
    for (const packed of ['a', 'b', 'a', 'c', 'b'])
      assert.equal(look(packed), packed.toUpperCase());
    assert.deepEqual([unpacked, dropped], [['a', 'b', 'c'], []]);
    look('d');
    assert.deepEqual([unpacked, dropped], [['a', 'b', 'c', 'd'], ['A']]);
    look('a');
    assert.deepEqual(dropped, ['A', 'B']);
  });
});
