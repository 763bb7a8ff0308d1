import { strict as assert } from 'node:assert';
import { createFolds, HISTORIES } from '../../../src/prometheus/folds.ts';
import { RAW_METRICS } from '../../../src/prometheus/queries.ts';
import type { ReadSeries } from '../../../src/prometheus/readwire.ts';
import { ChunkList } from '../../../src/prometheus/chunklist.ts';
import { RawBatch } from '../../../src/prometheus/rawbatch.ts';
import { isWorthNoEnd, rawQueries, type RawQuestion } from '../../../src/prometheus/rawqueries.ts';
import { WHOLE_THROTTLED } from '../../../src/recommend/hourrecord.ts';
import { HourCursor, type PackedUsage } from '../../../src/recommend/packed.ts';
import { bitsOf, encodeXor } from '../../support/xor-encoder.ts';

const HOUR = 3600;
/** A full hour that is no multiple of two hours. */
const NINE = Date.UTC(2027, 0, 15, 9) / 1000;

function question(fromSeconds: number, toSeconds: number): RawQuestion {
  return {
    batch: {
      pods: [{ namespace: 'shop', name: 'web-1', workload: 'shop/Deployment/web' }],
      whole: { namespaces: ['shop'], restarted: undefined, isFromMarks: false },
    },
    window: { fromSeconds, toSeconds, isContinued: true },
    stepSeconds: 60,
    withSignals: true,
  };
}

/** Among other bytes. */
function chunkOf(chunk: Uint8Array): ChunkList {
  const bytes = new Uint8Array(chunk.length + 12).fill(0xff);
  bytes.set(chunk, 5);
  const chunks = new ChunkList(bytes);
  chunks.add(5, 5 + chunk.length);
  return chunks;
}

/** A series with a sample a minute in (from, to]. */
function series(
  { name, pod }: { readonly name: string; readonly pod: string },
  fromSeconds: number,
  toSeconds: number,
  valueAt: (timeSeconds: number) => number,
): ReadSeries {
  const samples = [];
  for (let time = fromSeconds + 60; time <= toSeconds; time += 60) {
    samples.push({ timeMs: time * 1000, bits: bitsOf(valueAt(time)) });
  }
  const labels = new Map([
    ['__name__', name],
    ['namespace', 'shop'],
    ['pod', pod],
    ['container', 'app'],
  ]);
  return { query: 0, labels, chunks: chunkOf(encodeXor(samples)) };
}

function memory(pod: string, fromSeconds: number, toSeconds: number): ReadSeries {
  return series(
    { name: 'container_memory_working_set_bytes', pod },
    fromSeconds,
    toSeconds,
    () => 2 ** 20,
  );
}

/** What a reading of an hour comes to where the series begin at a time. */
function packedFrom(names: readonly string[], fromSeconds: number): PackedUsage | undefined {
  const folds = createFolds(HISTORIES, 60);
  const batch = new RawBatch(question(NINE, NINE + HOUR), folds);
  for (const name of names) {
    // Up and down for gauges, with a new beginning now and then for counters.
    const valueAt = (time: number): number => ((time / 60) % 47) * 3 + ((time / 60) % 7);
    batch.take(series({ name, pod: 'web-1' }, fromSeconds, NINE + HOUR, valueAt));
  }
  batch.end();
  batch.fold();
  return folds.close('shop/Deployment/web').get('app');
}

interface Signals {
  readonly hour: number;
  readonly restarts: number;
  readonly oomKills: number;
  readonly throttled: number;
}

/** Of each hour what a reading comes to, by the values of each metric at a time, in hours since the window began. */
function signalsOf(hours: number, metrics: Readonly<Record<string, (hours: number) => number>>) {
  const folds = createFolds(HISTORIES, 60);
  const batch = new RawBatch(question(NINE, NINE + hours * HOUR), folds);
  batch.take(memory('web-1', NINE, NINE + hours * HOUR));
  for (const [name, valueAt] of Object.entries(metrics)) {
    const at = (time: number) => valueAt((time - NINE) / HOUR);
    batch.take(series({ name, pod: 'web-1' }, NINE - 2 * HOUR, NINE + hours * HOUR, at));
  }
  batch.end();
  batch.fold();
  const found: Signals[] = [];
  const cursor = new HourCursor().open(folds.close('shop/Deployment/web').get('app'));
  while (cursor.hour < Infinity) {
    const { restarts, oomKills, throttled } = cursor.readHead();
    found.push({ hour: cursor.hour - NINE / HOUR, restarts, oomKills, throttled });
    cursor.next();
  }
  return found;
}

describe('a batch of raw samples', () => {
  it('counts each restart, and each kill for as long as its reason stands', () => {
    const found = signalsOf(8, {
      kube_pod_container_status_restarts_total: (hours) => (hours <= 2 ? 4 : hours <= 5 ? 5 : 7),
      kube_pod_container_status_last_terminated_reason: (hours) => (hours <= 2 ? 0 : 1),
    });
    const told = found.filter(({ restarts, oomKills }) => restarts + oomKills > 0);
    assert.deepEqual(told, [
      { hour: 2, restarts: 1, oomKills: 1, throttled: 0 },
      { hour: 5, restarts: 2, oomKills: 2, throttled: 0 },
    ]);
  });

  it('has the share of each hour that was throttled, however alike they are', () => {
    const found = signalsOf(4, {
      container_cpu_cfs_periods_total: (hours) => 1000 + hours * 36_000,
      container_cpu_cfs_throttled_periods_total: (hours) => 1000 + hours * 9000,
    });
    const percents = found.map(({ hour, throttled }) => [
      hour,
      Math.round((100 * throttled) / WHOLE_THROTTLED),
    ]);
    assert.deepEqual(
      percents.slice(-4),
      [0, 1, 2, 3].map((hour) => [hour, 25]),
    );
  });

  it('is asked for from the beginning of the chunk on that has the last sample before the window', () => {
    for (const from of [NINE, NINE + HOUR]) {
      const [usage, ...signals] = rawQueries(question(from, from + 900), []);
      assert.equal(usage?.fromMs, Date.parse('2027-01-15T08:00:00.000Z'));
      for (const { fromMs } of signals) assert.equal(fromMs % (2 * HOUR * 1000), 0);
    }
  });

  it('asks for the sample at the end of its last hour, and for no others behind its window', () => {
    const [, ...signals] = rawQueries(question(NINE, NINE + HOUR), []);
    assert.ok(signals.length > 0);
    for (const { toMs } of signals) assert.equal(toMs, (NINE + HOUR) * 1000);
  });

  it('is asked for without an end where the server takes that', () => {
    const queries = rawQueries({ ...question(NINE, NINE + HOUR), isEndless: true }, []);
    assert.ok(queries.length > 1);
    for (const { toMs } of queries) assert.equal(toMs, Infinity);
  });

  it('is worth no end for windows of less than a day that end now', () => {
    const isWorthIt = (seconds: number) =>
      isWorthNoEnd({ fromSeconds: NINE - seconds, toSeconds: NINE, endsNow: true });
    assert.deepEqual([HOUR, 24 * HOUR - 1, 24 * HOUR].map(isWorthIt), [true, true, false]);
    assert.equal(isWorthNoEnd({ fromSeconds: NINE - HOUR, toSeconds: NINE }), false);
  });

  it('keeps to its window whatever the chunks hold', () => {
    const folds = createFolds(HISTORIES, 60);
    const batch = new RawBatch(question(NINE, NINE + HOUR), folds);
    batch.take(memory('web-1', NINE - HOUR, NINE + 3 * HOUR));
    batch.end();
    batch.fold();
    const packed = folds.close('shop/Deployment/web').get('app');
    const cursor = new HourCursor().open(packed);
    assert.equal(cursor.hour, NINE / HOUR);
    assert.equal(cursor.readHead().memorySeconds, HOUR);
    cursor.next();
    assert.equal(cursor.hour, Infinity);
  });

  it('comes to the same whatever comes before the samples that it needs', () => {
    const all = Object.keys(RAW_METRICS);
    const use = all.filter((name) => /cpu_usage|working_set/.test(name));
    assert.equal(use.length, 2);
    // Of signals the hour before is looked at as well, from where they stood when it began.
    for (const [names, needed] of [
      [use, NINE - 300],
      [all, NINE - 2 * HOUR],
    ] as const) {
      const packed = packedFrom(names, needed);
      assert.ok(packed !== undefined && packed.length > 40);
      assert.deepEqual(packedFrom(names, NINE - 4 * HOUR), packed);
    }
  });

  it('takes a stranger for one that was there where its samples cannot be read', () => {
    const batch = new RawBatch(question(NINE, NINE + HOUR), createFolds(HISTORIES, 60));
    const { query, labels } = memory('web-odd', NINE, NINE + HOUR);
    batch.take({ query, labels, chunks: chunkOf(Uint8Array.of(0, 9, 1)) });
    assert.deepEqual(batch.strangers, [{ namespace: 'shop', name: 'web-odd' }]);
  });

  it('tells of strangers that were there in the window, not of those before and after it', () => {
    const batch = new RawBatch(question(NINE, NINE + HOUR), createFolds(HISTORIES, 60));
    batch.take(memory('web-gone', NINE - HOUR, NINE - 600));
    batch.take(memory('web-before', NINE - HOUR, NINE + 60));
    batch.take(memory('web-later', NINE + HOUR + 600, NINE + 2 * HOUR));
    batch.take(memory('web-within', NINE + 600, NINE + 1200));
    batch.end();
    assert.deepEqual(
      batch.strangers.map(({ name }) => name),
      ['web-before', 'web-within'],
    );
  });
});
