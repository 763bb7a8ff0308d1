import assert from 'node:assert/strict';
import { WORDING } from '../../../src/controller/status.ts';
import {
  fewDaysWords,
  intervalWords,
  realisedWords,
  supportedWords,
  worstDayWords,
} from '../../../src/recommend/evidencewords.ts';
import type { Realised } from '../../../src/recommend/realised.ts';

const REALISED: Realised = {
  days: 14,
  share: 0.007,
  daysHit: 3,
  dayDeviation: 0.006,
  worstDay: 0.12,
  worstDaySeconds: Date.UTC(2026, 10, 3) / 1000,
  workOver: 0.004,
};

describe('evidence in words', () => {
  it('has what was realised as a share of time for CPU, and as days for memory', () => {
    assert.equal(realisedWords('cpu', REALISED, WORDING), '0.7%');
    assert.equal(realisedWords('memory', REALISED, WORDING), '3 of 14 days');
    assert.equal(
      realisedWords('memory', { ...REALISED, days: 1, daysHit: 0 }, WORDING),
      '0 of 1 day',
    );
  });

  it('has the interval of days hit, and for CPU of the share of time', () => {
    assert.equal(intervalWords('memory', REALISED, WORDING), '4.7% to 51% of days');
    // 0.7 % ± 2.157 × 0.6 % / √13.
    assert.equal(
      intervalWords('cpu', REALISED, WORDING),
      '0.3% to 1.1% of time, 4.7% to 51% of days',
    );
  });

  it('has no interval of the share of time with less than a week, or with none over', () => {
    const young = { ...REALISED, days: 6, daysHit: 6 };
    assert.equal(intervalWords('cpu', young, WORDING), '54% to 100% of days');
    const none = { ...REALISED, share: 0, daysHit: 0, dayDeviation: 0 };
    assert.equal(intervalWords('cpu', none, WORDING), '0% to 23% of days');
  });

  it('has the worst day with its unit, and none where no day was hit', () => {
    assert.equal(worstDayWords('cpu', REALISED, WORDING), '2026-11-03: 12% of the day');
    assert.equal(worstDayWords('memory', REALISED, WORDING), '2026-11-03: 12% above the size');
    assert.equal(worstDayWords('cpu', { ...REALISED, daysHit: 0 }, WORDING), undefined);
  });

  it('has no number for a peak that is far above the size', () => {
    const want = '2026-11-03: over 10 times the size';
    for (const worstDay of [9, 1e12, Infinity]) {
      assert.equal(worstDayWords('memory', { ...REALISED, worstDay }, WORDING), want);
    }
  });

  it('has what is supported only where the promise is refuted', () => {
    assert.equal(supportedWords(undefined, WORDING), undefined);
    assert.equal(supportedWords({ risk: 0.02, isAttainable: true }, WORDING), undefined);
    assert.equal(supportedWords({ risk: 0.05, isAttainable: false }, WORDING), '5%');
    assert.equal(supportedWords({ risk: undefined, isAttainable: false }, WORDING), 'none');
  });

  it('says how far few days go, unless they go as far as the promise, or nowhere', () => {
    const few = { ...REALISED, days: 13, daysHit: 0 };
    assert.equal(
      fewDaysWords(few, 0.01, WORDING),
      'By themselves, so few days show 16% of pod-days at best (90% sure)',
    );
    assert.equal(fewDaysWords(few, 0.2, WORDING), undefined);
    assert.equal(fewDaysWords({ ...few, daysHit: 13 }, 0.01, WORDING), undefined);
  });
});
