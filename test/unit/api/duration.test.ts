import assert from 'node:assert/strict';
import { parseDuration } from '../../../src/api/duration.ts';

describe('durations', () => {
  const wantSeconds: Readonly<Record<string, number>> = {
    '1s': 1,
    '90s': 90,
    '5m': 300,
    '24h': 86_400,
    '14d': 1_209_600,
    '99999s': 99_999,
    ' 3d ': 259_200,
  };
  for (const [text, want] of Object.entries(wantSeconds)) {
    it(`read "${text}" as ${want} seconds`, () => assert.equal(parseDuration(text), want));
  }

  for (const text of [
    '',
    '5',
    'm',
    '0s',
    '05m',
    '-1h',
    '1.5h',
    '3d12h',
    '1w',
    '5 m',
    '100000s',
    '5M',
  ]) {
    it(`refuse "${text}" and say what to write`, () => {
      const want = new Error(`"${text}" is not a duration; write one such as 5m, 24h or 14d`);
      assert.throws(() => parseDuration(text), want);
    });
  }
});
