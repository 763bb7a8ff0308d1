import assert from 'node:assert/strict';
import {
  signalsByHour,
  type ContainerSignals,
  type SignalPoint,
} from '../../../src/prometheus/signals.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** One value per hour; undefined leaves the hour out. */
function hourly(...values: readonly (number | undefined)[]): readonly SignalPoint[] {
  return values.flatMap((value, hour) =>
    value === undefined ? [] : [{ timeSeconds: hour * HOUR, value }],
  );
}

const none: ContainerSignals = {
  throttledShares: [],
  restartCounts: [],
  oomEventCounts: [],
  oomKilledBefore: [],
  oomKilledNow: [],
};

describe('signals of the hours of a day', () => {
  interface Case {
    readonly signals: Partial<ContainerSignals>;
    readonly startedSeconds?: number;
    readonly wantRestarts?: number;
    readonly wantOomKills?: number;
    readonly wantThrottled?: number;
  }
  const cases: Readonly<Record<string, Case>> = {
    'count what a counter rose after the baseline': {
      signals: { restartCounts: hourly(3, 3, 5) },
      wantRestarts: 2,
    },
    'do not count restarts from before the window': {
      signals: { restartCounts: hourly(3, 3, 3) },
    },
    'count the first value of a pod that began in the window': {
      signals: { restartCounts: hourly(undefined, undefined, 2) },
      wantRestarts: 2,
    },
    'count from zero after a counter fell': {
      signals: { restartCounts: hourly(5, 1) },
      wantRestarts: 1,
    },
    'count a rise over a gap': {
      signals: { restartCounts: hourly(1, undefined, undefined, 4) },
      wantRestarts: 3,
    },
    'count a kill seen by both sources, in neighbouring hours, once': {
      signals: {
        oomEventCounts: hourly(0, 1, 1),
        restartCounts: hourly(0, 0, 1),
        oomKilledBefore: hourly(undefined, undefined, 1),
      },
      wantRestarts: 1,
      wantOomKills: 1,
    },
    'do not count a restart for another reason as a kill': {
      signals: { restartCounts: hourly(0, 1), oomKilledBefore: hourly(0, 0) },
      wantRestarts: 1,
    },
    'do not count a kill again while its reason stands': {
      signals: { restartCounts: hourly(1, 1, 1), oomKilledBefore: hourly(1, 1, 1) },
    },
    'count the kill of a container that is never restarted once': {
      signals: { oomKilledNow: hourly(undefined, 1, 1, 1) },
      wantOomKills: 1,
    },
    'do not count the first value of a pod that is older, which was not scraped for a while': {
      startedSeconds: -DAY,
      signals: {
        restartCounts: hourly(undefined, undefined, 3, 3),
        oomKilledBefore: hourly(undefined, undefined, 1, 1),
        oomEventCounts: hourly(undefined, undefined, 2, 2),
        oomKilledNow: hourly(undefined, undefined, 1, 1),
      },
    },
    'count what comes after the first value of such a pod': {
      startedSeconds: -DAY,
      signals: {
        restartCounts: hourly(undefined, undefined, 3, 5),
        oomKilledBefore: hourly(undefined, undefined, 1, 1),
      },
      wantRestarts: 2,
      wantOomKills: 2,
    },
    'count the kill of a container of such a pod that is never restarted': {
      startedSeconds: -DAY,
      signals: {
        restartCounts: hourly(undefined, undefined, 0, 0),
        oomKilledNow: hourly(undefined, undefined, undefined, 1),
      },
      wantOomKills: 1,
    },
    'count the first value of a pod that was created in its hour, or shortly before it': {
      startedSeconds: HOUR - 299,
      signals: { restartCounts: hourly(undefined, undefined, 2) },
      wantRestarts: 2,
    },
    'do not count that of one that was created earlier': {
      startedSeconds: HOUR - 301,
      signals: { restartCounts: hourly(undefined, undefined, 2) },
    },
    'keep the highest throttled share': {
      signals: { throttledShares: hourly(0.9, 0.1, 0.3, 0.2) },
      wantThrottled: 0.3,
    },
  };
  for (const [title, { signals, startedSeconds, ...want }] of Object.entries(cases)) {
    it(title, () => {
      const hours = signalsByHour(
        { ...none, ...signals },
        { baselineSeconds: 0, startedSeconds },
      ).map((hour) => hour.signals);
      const wanted = {
        oomKills: want.wantOomKills ?? 0,
        restarts: want.wantRestarts ?? 0,
        throttledShare: want.wantThrottled ?? 0,
      };
      const sum = (of: 'oomKills' | 'restarts') =>
        hours.reduce((total, hour) => total + hour[of], 0);
      const got = {
        oomKills: sum('oomKills'),
        restarts: sum('restarts'),
        throttledShare: Math.max(0, ...hours.map(({ throttledShare }) => throttledShare)),
      };
      assert.deepEqual(got, wanted);
    });
  }

  it('count what is seen at the end of an hour for that hour', () => {
    const restartCounts = [
      { timeSeconds: 23 * HOUR, value: 0 },
      { timeSeconds: 24 * HOUR, value: 1 },
      { timeSeconds: 25 * HOUR, value: 3 },
    ];
    const hours = signalsByHour({ ...none, restartCounts }, { baselineSeconds: 22 * HOUR });
    assert.deepEqual(
      hours.map(({ timeSeconds, signals }) => [timeSeconds, signals.restarts]),
      [
        [23 * HOUR, 1],
        [24 * HOUR, 2],
      ],
    );
  });
});
