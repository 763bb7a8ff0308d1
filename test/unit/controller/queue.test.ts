import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { WorkQueue, type QueueOptions } from '../../../src/controller/queue.ts';

type Work = QueueOptions['work'];
type WorkResult = Awaited<ReturnType<Work>>;

const DONE: WorkResult = { kind: 'Done' };

/** Lets everything run that waits for nothing. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Work that lasts until it is let go, and the order in which it began. */
function held() {
  const begun: string[] = [];
  const running = new Map<string, (result: WorkResult) => void>();
  const work: Work = (key) => {
    assert.ok(!running.has(key), `${key} runs twice at the same time`);
    begun.push(key);
    return new Promise((resolve) => running.set(key, resolve));
  };
  const finish = async (key: string): Promise<void> => {
    const resolve = running.get(key);
    assert.ok(resolve !== undefined, `${key} does not run`);
    running.delete(key);
    resolve(DONE);
    await settle();
  };
  return { begun, running, work, finish };
}

describe('a work queue', () => {
  const errors: [string, number][] = [];
  let queue: WorkQueue;
  const start = (work: Work, concurrency = 4) =>
    (queue = new WorkQueue({
      work,
      concurrency,
      onError: (key, _, seconds) => errors.push([key, seconds]),
      firstRetrySeconds: 1,
      longestRetrySeconds: 5,
    }));

  beforeEach(() => {
    errors.length = 0;
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => mock.timers.reset());

  it('does a key once that was added several times while it waited', async () => {
    const { begun, work, finish } = held();
    start(work, 1);
    for (const key of ['a', 'b', 'b', 'b']) queue.add(key);
    assert.equal(queue.depth, 2);
    await finish('a');
    await finish('b');
    assert.deepEqual(begun, ['a', 'b']);
    assert.equal(queue.depth, 0);
  });

  it('does a key again that was added while it was being done, and not at the same time', async () => {
    const { begun, work, finish } = held();
    start(work);
    queue.add('a');
    queue.add('a');
    queue.add('a');
    assert.deepEqual(begun, ['a']);
    await finish('a');
    assert.deepEqual(begun, ['a', 'a']);
    await finish('a');
    assert.deepEqual(begun, ['a', 'a']);
  });

  it('does no more keys at the same time than it may', async () => {
    const { begun, running, work, finish } = held();
    start(work, 2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    assert.equal(running.size, 2);
    await finish('a');
    assert.deepEqual([...running.keys()], ['b', 'c']);
    assert.deepEqual(begun, ['a', 'b', 'c']);
  });

  it('tries work that throws again after a time that doubles up to the longest', async () => {
    let tries = 0;
    start(() => {
      tries += 1;
      return Promise.reject(new Error('no'));
    });
    queue.add('a');
    await settle();
    for (const seconds of [1, 2, 4, 5, 5]) {
      const before = tries;
      mock.timers.tick(seconds * 1000 - 1);
      await settle();
      assert.equal(tries, before, `tried before ${seconds} s`);
      mock.timers.tick(1);
      await settle();
      assert.equal(tries, before + 1);
    }
    assert.deepEqual(
      errors.map(([, seconds]) => seconds),
      [1, 2, 4, 5, 5, 5],
    );
  });

  it('begins with the first pause again after work that did not throw', async () => {
    let isBroken = true;
    start(() => (isBroken ? Promise.reject(new Error('no')) : Promise.resolve(DONE)));
    queue.add('a');
    await settle();
    mock.timers.tick(1000);
    await settle();
    isBroken = false;
    mock.timers.tick(2000);
    await settle();
    isBroken = true;
    queue.add('a');
    await settle();
    assert.deepEqual(errors.at(-1), ['a', 1]);
  });

  it('goes on with others when one throws', async () => {
    const done: string[] = [];
    start((key) => {
      if (key === 'bad') throw new Error('no');
      done.push(key);
      return Promise.resolve(DONE);
    }, 1);
    for (const key of ['bad', 'a', 'b']) queue.add(key);
    await settle();
    assert.deepEqual(done, ['a', 'b']);
  });

  it('does a key at once that is added while it waits for its time, and then no more', async () => {
    const done: string[] = [];
    start((key) => {
      done.push(key);
      return Promise.resolve(DONE);
    });
    queue.addAfter('a', 10);
    await settle();
    assert.deepEqual(done, []);
    queue.add('a');
    await settle();
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual(done, ['a']);
  });

  it('does a key that is put off again and again when its first time has come', async () => {
    const done: string[] = [];
    start((key) => {
      done.push(key);
      return Promise.resolve(DONE);
    });
    for (let second = 0; second < 4; second++) {
      queue.addAfter('a', 3);
      mock.timers.tick(1000);
      await settle();
    }
    assert.deepEqual(done, ['a']);
  });

  it('does a key again after the time that its work asks for', async () => {
    const done: string[] = [];
    start((key) => {
      done.push(key);
      return Promise.resolve({ kind: 'Later', afterSeconds: 7 });
    });
    queue.add('a');
    await settle();
    mock.timers.tick(6999);
    await settle();
    assert.equal(done.length, 1);
    mock.timers.tick(1);
    await settle();
    assert.equal(done.length, 2);
  });

  it('stops when running work has ended, and begins no more', async () => {
    const { begun, work, finish } = held();
    let isAborted = false;
    start((key, signal) => {
      signal.addEventListener('abort', () => (isAborted = true));
      return work(key, signal);
    }, 1);
    for (const key of ['a', 'b', 'a']) queue.add(key);
    queue.addAfter('c', 1);
    let isStopped = false;
    const stopping = queue.stop().then(() => (isStopped = true));
    await settle();
    assert.equal(isAborted, true);
    assert.equal(isStopped, false);
    await finish('a');
    await stopping;
    queue.add('d');
    queue.addAfter('e', 0);
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(begun, ['a']);
  });

  it('reports no error of work that ended because it was told to', async () => {
    start(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    );
    queue.add('a');
    await queue.stop();
    assert.deepEqual(errors, []);
  });

  it('stops at once when nothing runs', async () => {
    start(() => Promise.resolve(DONE));
    await queue.stop();
  });
});
