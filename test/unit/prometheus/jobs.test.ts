import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { PrometheusClient } from '../../../src/prometheus/client.ts';
import { runJobs } from '../../../src/prometheus/jobs.ts';
import { PrometheusError } from '../../../src/prometheus/prometheuserror.ts';
import { createSession, eachLimited } from '../../../src/prometheus/session.ts';

describe('limited runs', () => {
  it('begin no more and wait for those under way, when one fails', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const run = async (item: number): Promise<void> => {
      begun.push(item);
      for (let turn = 0; turn < item; turn++) await setImmediate();
      if (item === 2) throw new Error('the second');
      ended.push(item);
    };
    await assert.rejects(eachLimited([5, 2, 3, 4], 2, run), /the second/);
    assert.deepEqual(begun, [5, 2]);
    assert.deepEqual(ended, [5]);
  });

  it('begin no more while the next item is waited for, when one fails', async () => {
    const begun: number[] = [];
    const run = (item: number): Promise<void> => {
      begun.push(item);
      return Promise.reject(new Error(`item ${item}`));
    };
    async function* items(): AsyncGenerator<number> {
      yield 1;
      for (let turn = 0; turn < 9; turn++) await setImmediate();
      yield 2;
    }
    await assert.rejects(eachLimited(items(), 2, run), /item 1/);
    assert.deepEqual(begun, [1]);
  });

  it('take items as they come, and end with what these end with', async () => {
    const ended: number[] = [];
    const run = async (item: number): Promise<void> => {
      for (let turn = 0; turn < item; turn++) await setImmediate();
      ended.push(item);
    };
    // eslint-disable-next-line @typescript-eslint/require-await -- what is awaited is of no matter
    async function* items(): AsyncGenerator<number> {
      yield 9;
      yield 1;
      throw new Error('no more');
    }
    await assert.rejects(eachLimited(items(), 2, run), /no more/);
    assert.deepEqual(ended, [1, 9]);
  });
});

describe('jobs of a reading', () => {
  const query = { targets: [], siblings: [], fromSeconds: 0, toSeconds: 3600 };
  const session = createSession({} as PrometheusClient, [], new AbortController().signal);
  const closed: (readonly [key: string, isWhole: boolean])[] = [];
  beforeEach(() => {
    closed.length = 0;
  });
  const jobs = (
    runs: Readonly<Record<string, () => Promise<void>>>,
    onPart: (key: string) => void,
  ) =>
    runJobs(session, {
      query,
      parts: [
        {
          targets: [],
          failures: [],
          jobs: Object.entries(runs).map(([name, run]) => ({ workloads: name.split('+'), run })),
        },
      ],
      concurrency: 1,
      close: (key, isWhole) => {
        closed.push([key, isWhole]);
        return Promise.resolve(new Map([['main', key]]));
      },
      onPart: ({ usage }) => [...usage.keys()].forEach(onPart),
      onProgress: undefined,
    });
  const fine = (): Promise<void> => Promise.resolve();
  const fails = (): Promise<void> =>
    Promise.reject(new PrometheusError('PrometheusTimeout', 'too slow'));

  it('hand on a workload with its last job, and leave what failed for the end', async () => {
    const told: string[] = [];
    const seen: string[] = [];
    const reading = await jobs(
      {
        'a+b': fine,
        'b+c': () => {
          seen.push(told.join());
          return fine();
        },
        'c+d': fails,
        d: () => assert.fail('nothing of it counts any more'),
      },
      (key) => told.push(key),
    );
    assert.deepEqual(seen, ['a']);
    assert.deepEqual(told, ['a', 'b']);
    assert.deepEqual([...reading.usage.keys()], []);
    assert.deepEqual([...reading.failures.keys()], ['c', 'd']);
    assert.deepEqual(closed, [
      ['a', true],
      ['b', true],
      ['c', false],
      ['d', false],
    ]);
    assert.equal(reading.failures.get('d')?.reason, 'PrometheusTimeout');
  });

  it('say of how many workloads nothing is left to do, part after part', async () => {
    const targets = ['a', 'b', 'c'].map((name) => ({
      workload: { namespace: 'shop', kind: 'Deployment', name } as const,
      pods: [],
    }));
    const [a, b, c] = targets;
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const key = (name: string): string => `shop/Deployment/${name}`;
    const told: string[] = [];
    const reading = await runJobs(session, {
      query: { ...query, targets },
      parts: [
        {
          targets: [a, b],
          failures: [{ reason: 'PrometheusTimeout', message: 'too slow', targets: [b] }],
          jobs: [
            { workloads: [key('a')], run: fine },
            { workloads: [key('a')], run: fine },
          ],
        },
        { targets: [c], failures: [], jobs: [{ workloads: [key('c')], run: fine }] },
      ],
      concurrency: 1,
      close: (closed) => Promise.resolve(new Map([['main', closed]])),
      onPart: undefined,
      onProgress: (done, total) => told.push(`${done} of ${total}`),
    });
    assert.deepEqual(told, ['1 of 3', '1 of 3', '2 of 3', '3 of 3']);
    assert.deepEqual([...reading.usage.keys()], [key('a'), key('c')]);
    assert.deepEqual([...reading.failures.keys()], [key('b')]);
  });

  it('hand on nothing once one broke', async () => {
    const told: string[] = [];
    const broken = (): Promise<void> => Promise.reject(new Error('a bug'));
    await assert.rejects(
      jobs({ a: broken, b: fine }, (key) => told.push(key)),
      /a bug/,
    );
    assert.deepEqual(told, []);
  });
});
