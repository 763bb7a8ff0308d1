import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { claimId, isClaimed, type Claim, type Peer } from '../../../src/controller/claims.ts';
import { figuresOf, type Figures } from '../../../src/controller/figures.ts';
import { ownerOf } from '../../../src/controller/rendezvous.ts';
import { Sharding } from '../../../src/controller/sharding.ts';

const LATE: Claim = { index: 2, shards: 3, epoch: 2000 };
const EARLY: Claim = { index: 0, shards: 2, epoch: 1000 };
const NOTHING: Figures = figuresOf([]);

/** One that moves from the first of two to the last of three. */
const moving = named((name) => ownerOf(name, 2) === 0 && ownerOf(name, 3) === 2);
const staying = named((name) => ownerOf(name, 2) === 0 && ownerOf(name, 3) === 0);

function named(is: (name: string) => boolean): string {
  for (let i = 0; ; i++) if (is(`team-${i}`)) return `team-${i}`;
}

function peer(claim: Claim, change: Partial<Peer> = {}): Peer {
  return { ...claim, yieldsTo: [], figures: new Map(), ...change };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('an instance among others', () => {
  let live: readonly Peer[];
  let failure: Error | undefined;
  let writing: ReadonlySet<string>;
  let told: string[];

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    live = [];
    failure = undefined;
    writing = new Set();
    told = [];
  });
  afterEach(() => mock.timers.reset());

  function sharding(self: Claim): Sharding {
    return new Sharding({
      self,
      peers: {
        reset: () => told.push('reset'),
        live: () => (failure === undefined ? Promise.resolve(live) : Promise.reject(failure)),
      },
      isWriting: (within) => [...writing].some(within),
      onTerritory: () => told.push('territory'),
      onFigures: () => told.push('figures'),
      onError: (error) => told.push(error.message),
    });
  }

  async function begun(self: Claim): Promise<Sharding> {
    const one = sharding(self);
    one.begin();
    await settle();
    return one;
  }

  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      mock.timers.tick(1000);
      await settle();
    }
  }

  it('owns nothing before it has looked at what others say, and its own after', async () => {
    const one = sharding(EARLY);
    assert.deepEqual([one.isFresh, one.owns(moving)], [false, false]);
    one.begin();
    assert.deepEqual([one.isFresh, one.owns(moving)], [false, false]);
    await settle();
    assert.deepEqual([one.isFresh, one.owns(moving), one.owns(undefined)], [true, true, true]);
    assert.deepEqual(told, ['reset', 'territory']);
    one.end();
    assert.deepEqual([one.isFresh, one.owns(moving)], [false, false]);
  });

  it('hands over to one that came later, and says so when its own writes there are done', async () => {
    const one = await begun(EARLY);
    writing = new Set([moving]);
    live = [peer(LATE)];
    await pass(2);
    assert.deepEqual([one.owns(moving), one.owns(staying)], [false, true]);
    assert.deepEqual(one.announcement().yieldsTo, []);
    writing = new Set([staying]);
    assert.deepEqual(one.announcement().yieldsTo, [claimId(LATE)]);
    one.end();
  });

  it('takes back what it handed over only when its Lease no longer says so, and a look after that finds nobody', async () => {
    const one = await begun(EARLY);
    live = [peer(LATE)];
    await pass(2);
    one.announcement();
    one.said();
    live = [];
    await pass(2);
    assert.equal(one.owns(moving), false);
    // Sent, and nobody knows whether it arrived.
    one.announcement();
    await pass(2);
    assert.equal(one.owns(moving), false);
    one.announcement();
    one.said();
    assert.equal(one.owns(moving), false);
    await pass(2);
    assert.equal(one.owns(moving), true);
    one.end();
  });

  it('waits for one that came before, until that one has stopped or is gone', async () => {
    live = [peer(EARLY)];
    const one = await begun(LATE);
    assert.equal(one.owns(moving), false);
    assert.deepEqual(one.awaited, [claimId(EARLY)]);
    live = [peer(EARLY, { yieldsTo: [claimId(LATE)] })];
    await pass(2);
    assert.equal(one.owns(moving), true);
    live = [peer(EARLY)];
    await pass(2);
    assert.equal(one.owns(moving), false);
    live = [];
    await pass(2);
    assert.equal(one.owns(moving), true);
    one.end();
  });

  it('writes nothing when it could not look for as long as a Lease is renewed', async () => {
    const one = await begun(EARLY);
    failure = new Error('no answer');
    await pass(9);
    assert.equal(one.isFresh, true);
    await pass(1);
    assert.equal(one.isFresh, false);
    failure = undefined;
    told = [];
    await pass(2);
    assert.deepEqual([one.isFresh, told], [true, ['territory']]);
    one.end();
  });

  it('sums up figures once all of its count have told theirs', async () => {
    const numbers = [...Array(46).keys()];
    live = [peer({ index: 1, shards: 3, epoch: 1 }, { figures: new Map([['p', numbers]]) })];
    const one = await begun({ index: 0, shards: 3, epoch: 1 });
    assert.equal(one.figuresOfOthers('p'), undefined);
    live = [
      ...live,
      peer({ index: 2, shards: 3, epoch: 9 }, { figures: new Map([['p', numbers]]) }),
    ];
    await pass(2);
    assert.equal(one.figuresOfOthers('p')?.length, 2);
    assert.equal(one.figuresOfOthers('q'), undefined);
    assert.ok(told.includes('figures'));
    one.end();
  });

  it('tells figures of 32 policies at most', async () => {
    const one = await begun(EARLY);
    for (let i = 0; i < 40; i++) one.publish(`p${i}`, NOTHING);
    assert.equal(one.announcement().figures.size, 32);
    for (let i = 0; i < 40; i++) one.publish(`p${i}`, undefined);
    assert.equal(one.announcement().figures.size, 0);
    one.end();
  });

  it('claims what its Lease says', () => {
    assert.equal(sharding(LATE).announcement().self, '2/3@2000');
    assert.ok(isClaimed(LATE, moving));
  });
});
