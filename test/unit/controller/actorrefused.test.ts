import assert from 'node:assert/strict';
import { GI, HOUR_SECONDS, MI } from '../../support/builders.ts';
import { ActingWorld, cartPod, NAME, requests } from './actingworld.ts';
import { aPodContainer } from './memorycluster.ts';

const OBSERVE_SECONDS = 600;

describe('acting where the server refuses', () => {
  let world: ActingWorld;

  beforeEach(() => {
    world = new ActingWorld();
  });

  describe('when the server does not take it', () => {
    const made = () => world.told().filter((each) => !each.startsWith('write'));

    it('remembers a refusal for a while, says why, and asks again later', async () => {
      world.acting.answers = [{ kind: 'Refused', message: 'a webhook says no' }];
      await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-1']);
      assert.equal(world.state, 'Held:DryRunRefused');
      assert.match(world.condition('Held')?.message ?? '', /a webhook says no/);
      assert.deepEqual(world.history, []);
      await world.reconcile();
      await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-2']);
      const { writes } = world.cluster;
      world.now += 300;
      await world.reconcile();
      assert.equal(made()[0], 'dry-run cart-1');
      assert.equal(world.cluster.writes, writes);
    });

    it('remembers for good what the node cannot give', async () => {
      world.setPods(cartPod('cart-1'));
      world.acting.answers = [{ kind: 'Infeasible', message: 'static CPU manager' }];
      await world.reconcile();
      made();
      world.now += 10 * HOUR_SECONDS;
      world.seen();
      await world.reconcile();
      assert.deepEqual(made(), []);
      assert.equal(world.state, 'Held:Infeasible');
    });

    it('asks once for a rescue that the node has no room for, whatever is used meanwhile', async () => {
      world.setPods(cartPod('cart-1'));
      world.acting.onTaken = ({ call, containers: [asked] }) => {
        if (call !== 'resize' || asked === undefined) return;
        const resize = { state: 'Deferred', message: 'no room', sinceSeconds: world.now } as const;
        const containers = [aPodContainer('main', { ...asked.to, actual: asked.from })];
        world.change('cart-1', { containers, resize, generation: 2, observedGeneration: 2 });
      };
      for (let look = 0; look < 40; look++) {
        world.now += 15;
        world.live = { memoryBytes: 100 * MI, cpuCores: 1.4 + 0.04 * Math.sin(1.3 * look) };
        await world.reconcile();
      }
      assert.deepEqual(made(), ['dry-run cart-1', 'resize cart-1']);
      assert.deepEqual(
        world.history.map(({ lane }) => lane),
        ['Rescue'],
      );
      assert.equal(world.state, 'Deferred');
    });

    it('tries a rescue that no node can give once, whatever is used meanwhile', async () => {
      world.setPods(cartPod('cart-1'));
      world.acting.answers = [{ kind: 'Infeasible', message: 'no node has so much' }];
      for (let look = 0; look < 40; look++) {
        world.now += 15;
        world.live = { memoryBytes: 100 * MI, cpuCores: 1.4 + 0.04 * Math.sin(look / 100) };
        await world.reconcile();
      }
      assert.deepEqual(made(), ['dry-run cart-1']);
      assert.equal(world.state, 'Held:Infeasible');
    });

    it('asks once for each rescue that the node refuses after the server had taken it', async () => {
      const ran = { requests: { cpu: 1, memory: GI }, limits: { cpu: 2, memory: GI } };
      world.setPods(cartPod('cart-1', { containers: [aPodContainer('main', ran)] }));
      world.acting.onTaken = ({ call, containers: [asked] }) => {
        if (call !== 'resize' || asked === undefined) return;
        const resize = { state: 'Infeasible', message: 'static', sinceSeconds: world.now } as const;
        const containers = [aPodContainer('main', { ...asked.to, actual: ran })];
        const generation = (world.pods()[0]?.generation ?? 0) + 1;
        world.change('cart-1', { containers, resize, generation, observedGeneration: generation });
      };
      for (let look = 0; look < 20; look++) {
        world.now += 15;
        const throttled = { throttledShare: 0.4, throttledSinceSeconds: world.now - 10 };
        world.live = { memoryBytes: (look < 3 ? 100 : 1000) * MI, ...throttled };
        await world.reconcile();
      }
      assert.deepEqual(
        world.acting.asked
          .filter(({ call }) => call === 'resize')
          .map(({ containers: [main] }) => [main?.to.limits.cpu, main?.to.limits.memory]),
        [
          [3, GI],
          [2, 1232 * MI],
        ],
      );
      assert.equal(world.state, 'Held:Infeasible');
    });

    it('gives new pods what a pod in need can never have in place, also after a restart', async () => {
      world.setPods(cartPod('cart-1'));
      world.acting.answers = [{ kind: 'Infeasible', message: 'no node has so much' }];
      for (let look = 0; look < 40; look++) {
        world.now += 15;
        world.live = { memoryBytes: 100 * MI, cpuCores: 1.4 };
        await world.reconcile();
      }
      assert.deepEqual(
        world.history.map(({ lane, method, outcome, containers }) => [
          lane,
          method,
          outcome,
          containers[0]?.to.requests?.cpu,
        ]),
        [['Rescue', 'Resize', 'Failed', '1550m']],
      );
      const given = () => world.status?.admission?.[0]?.requests?.cpu;
      assert.equal(given(), '1550m');
      world.restart();
      await world.reconcile();
      assert.equal(given(), '1550m');
    });

    it('says Infeasible where the node refused after the server had taken it', async () => {
      await world.reconcile();
      world.change('cart-1', {
        containers: [
          aPodContainer('main', {
            requests: { cpu: 0.75, memory: 768 * MI },
            limits: { memory: 768 * MI },
            actual: { requests: { cpu: 1, memory: GI }, limits: {} },
          }),
        ],
        resize: { state: 'Infeasible', message: 'static CPU manager', sinceSeconds: world.now },
      });
      world.setPods(...world.pods().slice(0, 1));
      world.now += OBSERVE_SECONDS;
      await world.reconcile();
      assert.equal(world.history[0]?.outcome, 'Failed');
      assert.equal(world.state, 'Held:Infeasible');
      assert.match(world.condition('Held')?.message ?? '', /static CPU manager/);
    });

    it('looks again soon at a pod that has changed, and does not call it applied', async () => {
      world.acting.answers = [{ kind: 'Stale' }];
      const { againSeconds } = await world.reconcile();
      assert.equal(againSeconds, 5);
      assert.equal(world.state, 'Resizing');
      assert.deepEqual(world.history, []);
      world.acting.answers = [{ kind: 'Accepted' }];
      await world.reconcile();
      assert.equal(requests(world)[0]?.cpu, 0.75);
    });

    it('does not go over what somebody else asked for since it looked', async () => {
      world.cluster.onWrite = () => world.change('cart-1', { generation: 2 });
      await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-1']);
      assert.equal(requests(world)[0]?.cpu, 1);
      await world.reconcile();
      assert.equal(world.history[0]?.outcome, 'Failed');
    });

    it('names the permission that the server denies, and asks again after a minute', async () => {
      world.acting.answers = [{ kind: 'Forbidden', message: 'pods "cart-1" is forbidden' }];
      for (let look = 0; look < 3; look++) await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-1']);
      assert.equal(world.state, 'Held:PermissionMissing');
      assert.match(world.condition('Held')?.message ?? '', /deploy\/components\/cluster-resize/);
      assert.equal((await world.reconcile()).againSeconds, 60);
      world.now += 60;
      await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-1']);
    });

    it('does not write again and again where only the real call is denied', async () => {
      world.acting.answers = [
        { kind: 'Accepted' },
        { kind: 'Forbidden', message: 'not this time' },
      ];
      for (let look = 0; look < 5; look++) await world.reconcile();
      assert.deepEqual(made(), ['dry-run cart-1', 'resize cart-1']);
      assert.equal(world.history.length, 1);
      assert.equal(world.history[0]?.outcome, 'Failed');
    });

    it('asks for nothing and names the file where its rights say no', async () => {
      world.acting.forbidden.add('Resize');
      await world.reconcile();
      assert.deepEqual(made(), []);
      assert.equal(world.state, 'Held:PermissionMissing');
      assert.match(world.condition('Held')?.message ?? '', /namespace-resize/);
    });
  });
});

describe('acting on a workload by eviction', () => {
  let world: ActingWorld;
  const stuck = { state: 'Infeasible', message: 'no room', sinceSeconds: 0 } as const;

  beforeEach(async () => {
    world = new ActingWorld({ mode: 'Recreate' });
    const asked = { requests: { cpu: 0.75, memory: 768 * MI }, limits: { memory: 768 * MI } };
    const ran = { requests: { cpu: 1, memory: GI }, limits: {} };
    const containers = [aPodContainer('main', { ...asked, actual: ran })];
    const change = { containers, resize: stuck };
    world.setPods(cartPod('cart-1', change), cartPod('cart-2', change));
    await world.reconcile();
  });

  it('tells new pods their size, and only then tries it, writes it down and evicts one pod, once', async () => {
    assert.deepEqual(world.told(), [`write ${NAME}`, `write ${NAME}`, `write ${NAME}`]);
    await world.reconcile();
    assert.deepEqual(world.told(), ['dry-evict cart-1', `write ${NAME}`, 'evict cart-1']);
    await world.reconcile();
    await world.reconcile();
    assert.equal(world.acting.asked.filter(({ call }) => call === 'evict').length, 1);
    assert.equal(world.history.length, 1);
  });

  it('evicts no other while it does not see yet that the first one goes', async () => {
    world.acting.onTaken = () => undefined;
    await world.reconcile();
    world.told();
    await world.reconcile();
    assert.deepEqual(
      world.told().filter((each) => !each.startsWith('write')),
      [],
    );
    assert.equal(world.history.length, 1);
    assert.equal(world.history[0]?.outcome, 'Watching');
  });

  it('writes and asks nothing again and again while a PodDisruptionBudget says no', async () => {
    const message = 'Cannot evict pod as it would violate the disruption budget.';
    world.acting.eviction = { kind: 'Blocked', message, retryAfterSeconds: 120 };
    await world.reconcile();
    assert.equal(world.state, 'Held:PDB');
    assert.deepEqual(world.history, []);
    const { writes } = world.cluster;
    world.told();
    for (let minute = 0; minute < 5; minute++) {
      world.now += 60;
      await world.reconcile();
    }
    assert.deepEqual(world.told(), ['dry-evict cart-1', 'dry-evict cart-1']);
    assert.equal(world.cluster.writes, writes);
  });

  it('says which permission it lacks, and evicts nothing', async () => {
    world.acting.forbidden.add('Evict');
    await world.reconcile();
    assert.deepEqual(world.acting.asked, []);
    assert.equal(world.state, 'Held:PermissionMissing');
    assert.match(world.condition('Held')?.message ?? '', /cluster-workloads/);
  });
});
