import assert from 'node:assert/strict';
import type { TemplateAnswer } from '../../../src/controller/changeports.ts';
import type { ContainerSpec, Workload } from '../../../src/controller/ports.ts';
import type { StatedContainer } from '../../../src/controller/statedsizes.ts';
import { GI, MI } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY, NAME } from './actingworld.ts';
import { aPodContainer, aPolicy, aWorkload } from './memorycluster.ts';

const OBSERVE_SECONDS = 600;
const DAY = 86_400;

describe('acting on a template', () => {
  let world: ActingWorld;

  /** What is stated is in the template at once, and its controller replaces the pods at once. */
  function rollOut(workload: Workload, stated: readonly StatedContainer[]): void {
    const containers = workload.containers.map((container): ContainerSpec => {
      const sizes = stated.find(({ name }) => name === container.name)?.sizes;
      const requests = { ...container.requests, ...sizes?.requests };
      return { ...container, requests, limits: { ...container.limits, ...sizes?.limits } };
    });
    world.cluster.add({ ...workload, containers });
    const [main] = containers;
    if (main === undefined) return;
    const { requests, limits } = main;
    const began = { createdSeconds: world.now, readinessSeconds: world.now };
    world.setPods(
      ...[1, 2].map((each) => {
        const pod = cartPod(`cart-${world.now}-${each}`, began);
        return { ...pod, containers: [aPodContainer('main', { requests, limits })] };
      }),
    );
  }

  const applied = () => world.acting.templates.applied;
  const made = () =>
    applied()
      .filter(({ isDryRun }) => !isDryRun)
      .map(({ stated }) => stated);
  const held = () => world.condition('Held');
  const answer = (...answers: readonly TemplateAnswer[]) => {
    world.acting.templates.answers = answers;
  };

  beforeEach(() => {
    world = new ActingWorld({ mode: 'Rollout' });
    world.acting.templates.onApplied = rollOut;
    world.cluster.onWrite = (name) => world.log.push(`write ${name}`);
  });

  it('tries, writes down and only then states what changes, and touches no pod', async () => {
    world.acting.templates.onApplied = () => world.log.push('applied');
    await world.reconcile();
    assert.deepEqual(world.told(), [`write ${NAME}`, `write ${NAME}`, 'applied']);
    assert.equal(applied()[0]?.isDryRun, true);
    const sizes = { requests: { cpu: 0.75, memory: 768 * MI }, limits: { memory: 768 * MI } };
    const [[main] = []] = made();
    assert.equal(main?.name, 'main');
    assert.deepEqual(main.sizes.requests, sizes.requests);
    assert.equal(world.state, 'Resizing');
    const [change, ...others] = world.history;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [change?.lane, change?.method, change?.pods, change?.outcome],
      ['Savings', 'Rollout', 2, 'Watching'],
    );
    assert.deepEqual(world.acting.asked, []);
    assert.equal(world.acting.made[0]?.pods, 2);
  });

  it('makes nothing when what it is about to do cannot be written down', async () => {
    world.cluster.onWrite = () => assert.fail('refused');
    await assert.rejects(world.reconcile());
    assert.deepEqual(made(), []);
  });

  it('does not size new pods besides, so that what it watches is what it stated', async () => {
    await world.reconcile();
    assert.equal(world.status?.admission, undefined);
  });

  it('settles: it asks nothing while the change is watched, nor after a restart', async () => {
    await world.reconcile();
    await world.reconcile();
    const calls = applied().length;
    world.told();
    world.restart();
    for (let look = 0; look < 3; look++) await world.reconcile();
    assert.equal(applied().length, calls);
    assert.deepEqual(world.told(), []);
  });

  it('goes on with the next step when the last was fine and has cooled down', async () => {
    await world.reconcile();
    world.now += DAY + 1;
    world.seen();
    await world.reconcile();
    const [, [main] = []] = made();
    assert.ok((main?.sizes.requests.cpu ?? 1) < 0.75);
    assert.deepEqual(
      world.history.map(({ outcome }) => outcome),
      ['Fine', 'Watching'],
    );
  });

  it('takes back what did harm, by the template', async () => {
    await world.reconcile();
    world.now += 60;
    for (const { name } of world.pods()) world.kill(name);
    await world.reconcile();
    const [, [main] = []] = made();
    assert.deepEqual(main?.sizes.requests, { cpu: 1, memory: GI });
    assert.deepEqual(
      world.history.map(({ lane, method, outcome }) => [lane, method, outcome]),
      [
        ['Savings', 'Rollout', 'TakenBack'],
        ['Return', 'Rollout', 'Watching'],
      ],
    );
    assert.equal(world.condition('Degraded')?.reason, 'TakenBack');
    assert.deepEqual(world.acting.asked, []);
  });

  it('states on what it stated of other containers before, whoever led then', async () => {
    const proxy = { name: 'proxy', kind: 'Container', restartsOn: [] } as const;
    const sizes = { requests: { cpu: 0.1 }, limits: {} };
    const [main] = aWorkload('cart').containers;
    const containers = [...(main ? [main] : []), { ...proxy, ...sizes }];
    world.cluster.add(aWorkload('cart', { containers }));
    const before: StatedContainer = { name: 'proxy', kind: 'Container', sizes };
    world.acting.templates.own = [before];
    await world.reconcile();
    const [stated = []] = made();
    assert.deepEqual(
      stated.find(({ name }) => name === 'proxy'),
      before,
    );
    assert.deepEqual(stated.map(({ name }) => name).sort(), ['main', 'proxy']);
  });

  describe('where the server does not take it', () => {
    const CASES: readonly (readonly [TemplateAnswer, string, RegExp])[] = [
      [{ kind: 'Conflict', managers: ['argocd', 'kubectl'] }, 'OtherManager', /argocd, kubectl/],
      [{ kind: 'Refused', message: 'no, says a quota' }, 'DryRunRefused', /no, says a quota/],
      [{ kind: 'Forbidden', message: 'no' }, 'PermissionMissing', /cluster-workloads/],
    ];
    for (const [refusal, reason, says] of CASES) {
      it(`says ${reason} and tries again 5 minutes later, not before`, async () => {
        answer(refusal);
        for (const seconds of [0, 60, 239]) {
          world.now += seconds;
          await world.reconcile();
          assert.equal(world.state, `Held:${reason}`);
        }
        assert.equal(held()?.reason, reason);
        assert.match(held()?.message ?? '', says);
        assert.equal(applied().length, 1);
        assert.deepEqual(world.history, []);
        world.now += 1;
        answer({ kind: 'Accepted' });
        await world.reconcile();
        assert.equal(applied().length, 3);
        assert.equal(made().length, 1);
        assert.equal(held(), undefined);
      });
    }

    it('has it on record as failed when only the real call is refused', async () => {
      answer({ kind: 'Accepted' }, { kind: 'Conflict', managers: ['kubectl'] });
      await world.reconcile();
      await world.reconcile();
      assert.deepEqual(
        world.history.map(({ outcome }) => outcome),
        ['Failed'],
      );
      assert.equal(held()?.reason, 'OtherManager');
      assert.equal(world.acting.made[0]?.outcome, 'Refused');
    });
  });

  it('asks nothing without the right to patch workloads, and names the file that grants it', async () => {
    world.acting.forbidden.add('PatchWorkload');
    await world.reconcile();
    assert.equal(world.state, 'Held:PermissionMissing');
    assert.match(held()?.message ?? '', /deploy\/components\/cluster-workloads/);
    assert.deepEqual(applied(), []);
  });

  it('does not fight for the template with who sets it back', async () => {
    const before = aWorkload('cart');
    await world.reconcile();
    world.cluster.add(before);
    world.setPods(cartPod('cart-1'), cartPod('cart-2'));
    world.now += OBSERVE_SECONDS + 1;
    world.restart();
    await world.reconcile();
    assert.equal(held()?.reason, 'OtherManager');
    assert.match(held()?.message ?? '', /set back after the change of 2027-01-15T00:00:00Z/);
    assert.equal(made().length, 1);
  });

  describe('of pods that are killed for memory at their limit', () => {
    beforeEach(() => {
      const [main] = aWorkload('cart').containers;
      const sizes = { requests: { cpu: 1, memory: 200 * MI }, limits: { memory: 200 * MI } };
      world.cluster.add(aWorkload('cart', { containers: main ? [{ ...main, ...sizes }] : [] }));
      const containers = [aPodContainer('main', sizes)];
      world.setPods(...['cart-1', 'cart-2'].map((name) => ({ ...cartPod(name), containers })));
      world.kill('cart-1');
    });

    it('raises it', async () => {
      await world.reconcile();
      assert.deepEqual(
        world.history.map(({ lane, method }) => [lane, method]),
        [['Rescue', 'Rollout']],
      );
      const [[stated] = []] = made();
      assert.ok((stated?.sizes.limits.memory ?? 0) >= 300 * MI);
    });

    it('waits for the raise to be seen', async () => {
      world.acting.templates.onApplied = () => undefined;
      await world.reconcile();
      world.now += 1;
      const { againSeconds } = await world.reconcile();
      assert.equal(world.state, 'Resizing');
      assert.equal(applied().length, 2);
      assert.ok((againSeconds ?? Infinity) <= 60);
    });
  });

  it('leaves the template as it is when the mode is another', async () => {
    await world.reconcile();
    const calls = applied().length;
    world.cluster.add(aPolicy('own', { mode: 'Recommend' }));
    world.now += DAY;
    await world.reconcile();
    assert.equal(applied().length, calls);
    assert.equal(world.actor.acts(KEY), false);
  });
});
