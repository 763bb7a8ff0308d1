import assert from 'node:assert/strict';
import { parseRfc3339 } from '../../../src/api/timestamp.ts';

describe('an RFC 3339 time', () => {
  for (const text of [
    '2027-01-15T00:00:00Z',
    '2027-01-15T02:00:00+02:00',
    '2027-01-15T00:00:00.0Z',
  ]) {
    it(`is read with its zone: ${text}`, () => {
      assert.equal(parseRfc3339(text), Date.UTC(2027, 0, 15) / 1000);
    });
  }

  for (const text of [
    '',
    'tomorrow',
    '2027',
    '2027-01-15',
    '2027-01-15T00:00:00',
    '2027-02-30T00:00:00Z',
    '2027-01-15 00:00:00Z',
    '15 Jan 2027 00:00:00 GMT',
    '1800000000',
  ]) {
    it(`is not "${text}"`, () => {
      assert.equal(parseRfc3339(text), undefined);
    });
  }
});
