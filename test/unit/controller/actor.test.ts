import assert from 'node:assert/strict';
import { recommendationStatus } from '../../../src/api/recommendation.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { GI, HOUR_SECONDS, MI } from '../../support/builders.ts';
import { ActingWorld, NAME, requests } from './actingworld.ts';
import { aPolicy, UNREACHABLE } from './memorycluster.ts';

const OBSERVE_SECONDS = 600;

describe('acting on a workload in place', () => {
  let world: ActingWorld;

  beforeEach(() => {
    world = new ActingWorld();
  });

  it('tries, writes down and only then makes a change, to one pod of two', async () => {
    await world.reconcile();
    assert.deepEqual(world.told(), [
      'dry-run cart-1',
      `write ${NAME}`,
      `write ${NAME}`,
      `write ${NAME}`,
      'resize cart-1',
    ]);
    assert.deepEqual(requests(world), [
      { cpu: 0.75, memory: 768 * MI },
      { cpu: 1, memory: GI },
    ]);
    assert.equal(world.state, 'Resizing');
    const [change, ...others] = world.history;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [change?.lane, change?.method, change?.pods, change?.outcome],
      ['Savings', 'Resize', 1, 'Watching'],
    );
    assert.deepEqual(change?.containers[0]?.to.requests, { cpu: '750m', memory: '768Mi' });
  });

  it('makes nothing when what it is about to do cannot be written down', async () => {
    world.cluster.onWrite = () => assert.fail('refused');
    await assert.rejects(world.reconcile());
    assert.deepEqual(world.told(), ['dry-run cart-1']);
    world.cluster.onWrite = () => undefined;
    await world.reconcile();
    assert.equal(world.history.length, 1);
    assert.equal(requests(world)[0]?.cpu, 0.75);
  });

  it('takes back what has harmed all the time that no operator was there', async () => {
    await world.reconcile();
    world.now += 1500;
    const restartedSeconds = world.now - 70;
    const containers = world.pods()[0]?.containers ?? [];
    world.change('cart-1', {
      isReady: false,
      readinessSeconds: restartedSeconds,
      containers: containers.map((each) => ({ ...each, restarts: 6, restartedSeconds })),
    });
    world.restart();
    world.seen();
    await world.reconcile();
    await world.reconcile();
    assert.deepEqual(
      world.history.map(({ lane, outcome }) => [lane, outcome]),
      [
        ['Savings', 'TakenBack'],
        ['Return', 'Watching'],
      ],
    );
    assert.deepEqual(requests(world)[0], { cpu: 1, memory: GI });
  });

  it('hears of kills though what is on record comes from a clock that was ahead', async () => {
    world.now += HOUR_SECONDS;
    await world.reconcile();
    world.now -= HOUR_SECONDS;
    world.restart();
    await world.reconcile();
    world.now += 60;
    world.kill('cart-1');
    await world.reconcile();
    await world.reconcile();
    assert.equal(world.history[0]?.outcome, 'TakenBack');
    assert.ok((requests(world)[0]?.memory ?? 0) >= GI);
  });

  it('settles: nothing is written or asked the third time and after a restart', async () => {
    await world.reconcile();
    await world.reconcile();
    world.told();
    for (let look = 0; look < 3; look++) {
      assert.equal((await world.reconcile()).written, 'Unchanged');
      world.restart();
    }
    assert.deepEqual(world.told(), []);
  });

  it('calls a change fine after its time, also after a restart, and goes on with the next pod', async () => {
    await world.reconcile();
    world.restart();
    world.now += OBSERVE_SECONDS;
    await world.reconcile();
    assert.deepEqual(
      world.history.map(({ outcome }) => outcome),
      ['Fine', 'Watching'],
    );
    assert.deepEqual(requests(world), [
      { cpu: 0.75, memory: 768 * MI },
      { cpu: 0.75, memory: 768 * MI },
    ]);
    assert.deepEqual(
      world.acting.made.map(({ outcome }) => outcome),
      ['Made', 'Fine', 'Made'],
    );
  });

  it('says when to look again: at the end of the watch, then when the next step is due', async () => {
    await world.reconcile();
    world.now += 10;
    assert.equal((await world.reconcile()).againSeconds, 60);
    world.now += OBSERVE_SECONDS;
    await world.reconcile();
    world.now += OBSERVE_SECONDS;
    await world.reconcile();
    assert.equal(world.state, 'Held:Cooldown');
    const waits: number[] = [];
    // Pods of the same sizes cool down together, after the last change that led there.
    for (let look = 0; look < 2; look++) {
      const { againSeconds = 0 } = await world.reconcile();
      waits.push(againSeconds);
      world.now += againSeconds;
      world.seen();
    }
    assert.deepEqual(waits, [DAY_SECONDS - 2 * OBSERVE_SECONDS - 10, OBSERVE_SECONDS + 10]);
    await world.reconcile();
    assert.ok(world.told().includes('resize cart-1'));
  });

  it('comes to what is recommended step by step, never below it, and says Applied', async () => {
    for (let day = 0; day < 20; day++) {
      for (const each of [0, 1]) {
        world.now += OBSERVE_SECONDS + each;
        world.seen();
        await world.reconcile();
      }
      world.now += DAY_SECONDS - 2 * OBSERVE_SECONDS;
    }
    assert.deepEqual(world.target, { cpu: '110m', memory: '113Mi' });
    const isNear = (amount = 0, least: number) => amount >= least && amount < least * 1.15;
    for (const each of requests(world)) {
      assert.ok(isNear(each?.cpu, 0.11) && isNear(each?.memory, 113 * MI), JSON.stringify(each));
    }
    assert.equal(world.state, 'Applied');
    assert.ok(world.history.length <= 24);
  });

  describe('whose change does harm', () => {
    beforeEach(async () => {
      await world.reconcile();
      world.now += 60;
      const [first] = world.pods();
      const containers = first?.containers.map((each) => ({
        ...each,
        restarts: 1,
        restartedSeconds: world.now,
      }));
      world.change('cart-1', { containers: containers ?? [] });
      world.now += 10;
      world.told();
    });

    it('takes it back, writes that down first, and says so', async () => {
      await world.reconcile();
      assert.deepEqual(world.told(), ['dry-run cart-1', `write ${NAME}`, 'resize cart-1']);
      assert.deepEqual(requests(world)[0], { cpu: 1, memory: GI });
      assert.deepEqual(
        world.history.map(({ lane, outcome, failures }) => [lane, outcome, failures]),
        [
          ['Savings', 'TakenBack', 1],
          ['Return', 'Watching', undefined],
        ],
      );
      const degraded = world.condition('Degraded');
      assert.equal(degraded?.reason, 'TakenBack');
      assert.match(degraded.message, /Restarts in 1 of 1 changed pods/);
      assert.deepEqual(world.acting.events, ['Resized', 'ChangeDidHarm', 'TakenBack']);
    });

    it('tells of it once, though it could not be written down at first', async () => {
      const { onWrite } = world.cluster;
      world.cluster.onWrite = () => assert.fail('refused');
      await assert.rejects(world.reconcile());
      world.cluster.onWrite = onWrite;
      await world.reconcile();
      await world.reconcile();
      assert.equal(world.acting.made.filter(({ outcome }) => outcome === 'TakenBack').length, 1);
    });

    it('goes back to the end when it was ended between the writing and the change', async () => {
      world.acting.onCall = ({ call }) => assert.notEqual(call, 'resize', 'ended');
      await assert.rejects(world.reconcile());
      assert.equal(requests(world)[0]?.cpu, 0.75);
      world.acting.onCall = () => undefined;
      world.restart();
      await world.reconcile();
      assert.deepEqual(requests(world)[0], { cpu: 1, memory: GI });
      assert.equal(world.history.filter(({ lane }) => lane === 'Return').length, 1);
    });

    it('tries nothing before the pause is over, also after a restart', async () => {
      await world.reconcile();
      for (let hour = 0; hour < 23; hour++) {
        world.now += HOUR_SECONDS;
        world.seen();
        world.restart();
        await world.reconcile();
        assert.deepEqual(requests(world)[1], { cpu: 1, memory: GI });
        assert.match(world.state ?? '', /^Held:(Cooldown|Backoff)$/);
        assert.equal(world.condition('Degraded')?.reason, 'TakenBack');
      }
      world.now += HOUR_SECONDS;
      world.seen();
      await world.reconcile();
      assert.equal(world.condition('Degraded'), undefined);
      assert.ok(requests(world).some((each) => (each?.cpu ?? 1) < 1));
    });

    it('does not look every second for a way back that cannot be gone', async () => {
      world.acting.answers = [{ kind: 'Refused', message: 'a webhook says no' }];
      world.now += 1;
      await world.reconcile();
      world.now += OBSERVE_SECONDS * 3;
      const { againSeconds = 0 } = await world.reconcile();
      assert.ok(againSeconds >= 60, `${againSeconds}`);
      assert.equal(world.history.at(-1)?.outcome, 'Watching');
    });

    it('leaves it as it is once the policy only recommends, and keeps the record', async () => {
      world.cluster.add(aPolicy('own', { mode: 'Recommend' }, { generation: 2 }));
      await world.reconcile();
      assert.deepEqual(
        world.told().filter((each) => !each.startsWith('write')),
        [],
      );
      assert.equal(world.history[0]?.outcome, 'TakenBack');
      assert.equal(world.condition('Degraded'), undefined);
    });
  });

  it('puts a change on record that was made when it was ended before it knew', async () => {
    const { onTaken } = world.acting;
    world.acting.onTaken = (asked) => {
      onTaken(asked);
      if (asked.call === 'resize') assert.fail('ended');
    };
    await assert.rejects(world.reconcile());
    world.acting.onTaken = onTaken;
    world.restart();
    world.told();
    await world.reconcile();
    assert.deepEqual(
      world.told().filter((each) => !each.startsWith('write')),
      [],
    );
    assert.equal(world.history.length, 1);
    assert.equal(world.history[0]?.outcome, 'Watching');
  });

  it('stays within bounds and steps however often it is ended at any call', async () => {
    for (let round = 0; round < 60; round++) {
      let left = round % 7;
      const end = () => {
        if (left-- === 0) throw new Error('ended');
      };
      world.cluster.onWrite = end;
      world.acting.onCall = end;
      await world.reconcile().catch(() => undefined);
      world.restart();
      world.now += 37;
      recommendationStatus.parse(world.status ?? {});
    }
    const cpus = requests(world).map((each) => each?.cpu ?? 0);
    assert.deepEqual(cpus, [0.75, 0.75]);
    for (const { containers } of world.history) {
      assert.deepEqual(containers[0]?.to.requests, { cpu: '750m', memory: '768Mi' });
    }
  });

  it('writes nothing after a restart before usage was read, whatever holds', async () => {
    await world.reconcile();
    world.now += OBSERVE_SECONDS * 2;
    await world.reconcile();
    await world.reconcile();
    const { writes } = world.cluster;
    world.restart();
    world.isRead = false;
    assert.equal((await world.reconcile()).written, 'Waiting');
    assert.equal(world.cluster.writes, writes);
  });

  it('takes nothing that was recommended under another text of the policy for a target', async () => {
    world.acting.forbidden.add('Resize');
    await world.reconcile();
    world.acting.forbidden.clear();
    const bounds = { cpu: { min: '900m' }, memory: { min: '900Mi' } };
    world.cluster.add(
      aPolicy('own', { mode: 'InPlace', containers: [{ name: '*', bounds }] }, { generation: 2 }),
    );
    world.restart();
    world.isRead = false;
    for (const failure of [undefined, UNREACHABLE]) {
      world.failure = failure;
      await world.reconcile();
      assert.deepEqual(requests(world)[0], { cpu: 1, memory: GI });
    }
  });

  it('keeps what is watched while the policy cannot be read', async () => {
    await world.reconcile();
    world.cluster.unreadablePolicies.set('RightsizePolicy/shop/own', 'too new');
    world.cluster.policies.clear();
    assert.equal((await world.reconcile()).written, 'Unchanged');
    world.cluster.unreadablePolicies.clear();
    world.cluster.add(aPolicy('own', { mode: 'InPlace' }));
    world.now += OBSERVE_SECONDS;
    await world.reconcile();
    assert.equal(world.history[0]?.outcome, 'Fine');
  });
});
