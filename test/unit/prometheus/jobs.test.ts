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
});

describe('jobs of a reading', () => {
  const query = { targets: [], siblings: [], fromSeconds: 0, toSeconds: 3600 };
  const session = createSession({} as PrometheusClient, [], new AbortController().signal);
  const jobs = (
    runs: Readonly<Record<string, () => Promise<void>>>,
    onPart: (key: string) => void,
  ) =>
    runJobs(session, {
      query,
      failures: [],
      jobs: Object.entries(runs).map(([name, run]) => ({ workloads: name.split('+'), run })),
      concurrency: 1,
      close: (key) => Promise.resolve(new Map([['main', key]])),
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
    assert.equal(reading.failures.get('d')?.reason, 'PrometheusTimeout');
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
