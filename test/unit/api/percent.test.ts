import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatPercent, parsePercent } from '../../../src/api/percent.ts';

describe('percentages', () => {
  const wantShare: Readonly<Record<string, number>> = {
    '0%': 0,
    '2%': 0.02,
    '0.5%': 0.005,
    '0.7%': 0.007,
    '0.125%': 0.00125,
    '100%': 1,
    '900%': 9,
    ' 5% ': 0.05,
  };
  for (const [text, want] of Object.entries(wantShare)) {
    it(`read "${text}" as ${want}`, () => assert.equal(parsePercent(text), want));
  }

  for (const text of [
    '',
    '2',
    '%',
    '-1%',
    '1e1%',
    '1.%',
    '.5%',
    '1.2345%',
    '1000%',
    '2 %',
    '2%%',
  ]) {
    it(`refuse "${text}" and say what to write`, () => {
      const want = new Error(`"${text}" is not a percentage; write one such as 2% or 0.5%`);
      assert.throws(() => parsePercent(text), want);
    });
  }

  const wantText: readonly (readonly [number, string])[] = [
    [0, '0%'],
    [0.02, '2%'],
    [0.0071, '0.7%'],
    [0.0005, '0.05%'],
    [0.00009, '<0.01%'],
    [0.125, '13%'],
    [1, '100%'],
  ];
  for (const [share, want] of wantText) {
    it(`write ${share} as ${want}`, () => assert.equal(formatPercent(share), want));
  }

  it('come back as they were after writing and reading, in tenths below ten percent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), (permille) => {
        assert.equal(parsePercent(formatPercent(permille / 1000)), permille / 1000);
      }),
    );
  });

  it('are never written as nothing when there is something', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }), (share) => {
        assert.notEqual(formatPercent(share), '0%');
      }),
    );
  });
});
