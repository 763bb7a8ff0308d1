import assert from 'node:assert/strict';
import {
  createLiveFold,
  type LiveMetric,
  type SpannedUsage,
} from '../../../src/prometheus/livefold.ts';

/** Series of each metric, as `time:value …`. */
type Given = Partial<Record<LiveMetric, readonly string[]>>;

/** Series of one metric differ by their `id`; the same place in two metrics is the same series. */
function usageOf(given: Given): SpannedUsage | undefined {
  const fold = createLiveFold();
  for (const [metric, series] of Object.entries(given)) {
    fold.add(
      metric as LiveMetric,
      series.map((samples, id) => ({
        labels: {
          __name__: metric,
          namespace: 'shop',
          pod: 'web-0',
          container: 'app',
          id: String(id),
        },
        samples: samplesOf(samples),
      })),
    );
  }
  return fold.pods().get('shop/web-0')?.get('app');
}

function samplesOf(text: string): readonly (readonly [number, string])[] {
  return [...text.matchAll(/(\d+):(\S+)/g)].map(([, time, value = '']) => [Number(time), value]);
}

interface Case {
  readonly given: Given;
  readonly want: Partial<SpannedUsage>;
}

const cases: Readonly<Record<string, Case>> = {
  'is the newest sample of memory, with its time': {
    given: {
      memory: ['10:5 25:7'],
    },
    want: { atSeconds: 25, memoryBytes: 7, cpuCores: undefined, throttledShare: undefined },
  },
  'takes memory of the series that is newer, not of the larger one': {
    given: {
      memory: ['10:900 25:900', '40:7'],
    },
    want: { atSeconds: 40, memoryBytes: 7 },
  },
  'does not add up series of two jobs': {
    given: {
      memory: ['25:7', '25:7'],
      cpuSeconds: ['10:0 25:15', '10:0 25:15'],
    },
    want: { memoryBytes: 7, cpuCores: 1 },
  },
  'passes over samples that are no number': {
    given: {
      memory: ['10:5 25:NaN 40:+Inf'],
    },
    want: { atSeconds: 10, memoryBytes: 5 },
  },
  'rates CPU over the last two samples that are 15 s apart': {
    given: {
      cpuSeconds: ['0:0 20:100 30:100 35:107.5'],
    },
    want: { atSeconds: 35, cpuCores: 0.5, cpuSinceSeconds: 20 },
  },
  'knows no rate of a single sample': {
    given: { memory: ['10:5'], cpuSeconds: ['10:3'] },
    want: { cpuCores: undefined, cpuSinceSeconds: undefined },
  },
  'rates no counter over its reset': {
    given: {
      memory: ['30:5'],
      cpuSeconds: ['0:50 15:60 30:1'],
    },
    want: { cpuCores: undefined },
  },
  'rates a counter since its reset': {
    given: {
      cpuSeconds: ['0:50 15:1 30:4'],
    },
    want: { cpuCores: 0.2, cpuSinceSeconds: 15 },
  },
  'takes no rate of a container that ended for the one that began': {
    given: {
      memory: ['10:5', '40:6'],
      cpuSeconds: ['10:0 25:30', '40:1'],
    },
    want: { atSeconds: 40, memoryBytes: 6, cpuCores: undefined },
  },
  'leaves out memory that is over a minute older than CPU': {
    given: {
      memory: ['10:5'],
      cpuSeconds: ['60:0 80:2'],
    },
    want: { atSeconds: 80, memoryBytes: undefined, cpuCores: 0.1 },
  },
  'is as old as the older of memory and CPU': {
    given: {
      memory: ['65:5'],
      cpuSeconds: ['60:0 80:2'],
    },
    want: { atSeconds: 65, memoryBytes: 5, cpuCores: 0.1 },
  },
  'shares throttled periods over all since the first of both': {
    given: {
      periods: ['0:0 15:150 30:300'],
      throttledPeriods: ['15:10 30:70'],
    },
    want: { atSeconds: 30, throttledShare: 0.4, throttledSinceSeconds: 15 },
  },
  'shares throttled periods since a reset': {
    given: {
      periods: ['0:900 15:0 30:100'],
      throttledPeriods: ['0:900 15:0 30:25'],
    },
    want: { throttledShare: 0.25, throttledSinceSeconds: 15 },
  },
  'knows no throttled share without a period': {
    given: {
      memory: ['30:5'],
      periods: ['0:7 30:7'],
      throttledPeriods: ['0:3 30:3'],
    },
    want: { throttledShare: undefined },
  },
  'knows no throttled share of one sample': {
    given: { memory: ['30:5'], periods: ['30:7'], throttledPeriods: ['30:3'] },
    want: { throttledShare: undefined },
  },
  'matches throttled periods with the periods of the same series': {
    given: {
      periods: ['0:0 15:100', '30:0 45:100'],
      throttledPeriods: ['0:0 15:100', '30:0 45:20'],
    },
    want: { throttledShare: 0.2, throttledSinceSeconds: 30 },
  },
  'has the time of the newest OOM event': {
    given: {
      memory: ['60:5'],
      oomEvents: ['0:1 15:2 30:2 45:3 60:3'],
    },
    want: { atSeconds: 60, oomKilledSeconds: 45 },
  },
  'takes no OOM event from a series that begins above zero, or is reset': {
    given: {
      memory: ['60:5'],
      oomEvents: ['30:4 45:1', '45:2'],
    },
    want: { oomKilledSeconds: undefined },
  },
  'is as new as the OOM event where nothing else is known': {
    given: {
      oomEvents: ['0:0 15:1 30:1'],
    },
    want: { atSeconds: 15, memoryBytes: undefined, oomKilledSeconds: 15 },
  },
};

describe('live usage of a container', () => {
  for (const [title, { given, want }] of Object.entries(cases)) {
    it(title, () => {
      const got = usageOf(given);
      assert.ok(got !== undefined);
      for (const [field, value] of Object.entries(want)) {
        const found: number | undefined = got[field as keyof SpannedUsage];
        if (typeof value === 'number')
          assert.ok(Math.abs((found ?? NaN) - value) < 1e-9, `${field}: ${found}`);
        else assert.equal(found, value, field);
      }
    });
  }

  it('is not there where nothing is known', () => {
    assert.equal(usageOf({ cpuSeconds: ['10:3'], memory: [''] }), undefined);
  });
});
