import assert from 'node:assert/strict';
import { conditionsOf } from '../../../src/api/conditions.ts';
import { recommendationStatus } from '../../../src/api/recommendation.ts';
import { withActing, type ActingSaid } from '../../../src/controller/actingstatus.ts';
import { againSeconds, heldOf, saidOf } from '../../../src/controller/actorsays.ts';
import { governanceOf } from '../../../src/controller/gather.ts';
import { historyOf } from '../../../src/controller/history.ts';
import type { Said } from '../../../src/controller/newpods.ts';
import { podState } from '../../../src/controller/podstate.ts';
import { planRules } from '../../../src/controller/actingrules.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import type { GateReason } from '../../../src/resize/gates.ts';
import type { Plan, PlanInput } from '../../../src/resize/planned.ts';
import { NOW } from '../../support/builders.ts';
import { ActingWorld, cartPod } from './actingworld.ts';
import { aRecord } from './memoryacting.ts';
import { aPolicy, aWorkload } from './memorycluster.ts';

const CALM: ActingSaid = { state: undefined, held: undefined, takenBack: undefined, leaking: [] };
const NOTHING: Plan = { patches: [], evictions: [], waiting: [], held: [], leaking: [] };

describe('what a status says of changes', () => {
  let base: Said;

  beforeEach(async () => {
    const world = new ActingWorld({ mode: 'Admission' });
    await world.reconcile();
    const { conditions, ...content } = world.status ?? assert.fail();
    base = { content, observations: conditions ?? [] };
  });
  const state = (acting: Partial<ActingSaid>, of = base) =>
    withActing(of, { ...CALM, ...acting }, []).content.summary?.status;
  const held = (reason: GateReason) => ({ reason, message: `It is ${reason}.` });
  const condition = ({ observations }: Said, wanted: string) =>
    observations.find(({ type }) => type === wanted);

  it('is what new pods get where nothing else is to be said', () => {
    assert.equal(state({}), 'NextPod');
    assert.deepEqual(withActing(base, undefined, []), base);
  });

  it('is what is under way, before what is held, before what is applied', () => {
    assert.equal(state({ state: 'Resizing', held: held('PodBudget') }), 'Resizing');
    assert.equal(state({ state: 'Deferred' }), 'Deferred');
    assert.equal(state({ state: 'Deferred', held: held('Cooldown') }), 'Held:Cooldown');
    assert.equal(state({ state: 'Applied' }), 'Applied');
  });

  it('stays suspended or degraded, whatever is under way', () => {
    for (const status of ['Held:Suspended', 'Degraded:PrometheusUnreachable']) {
      const summary = { ...(base.content.summary ?? assert.fail()), status };
      const of = { ...base, content: { ...base.content, summary } };
      assert.equal(state({ state: 'Resizing', held: held('PodBudget') }, of), status);
    }
  });

  it('gives the reason of the gate, and takes it away with the gate', () => {
    const during = withActing(base, { ...CALM, held: held('Cooldown') }, []);
    assert.equal(during.content.reason, 'Cooldown');
    assert.equal(condition(during, 'Held')?.reason, 'Cooldown');
    const after = withActing(during, CALM, []);
    assert.equal(condition(after, 'Held'), undefined);
  });

  it('has one condition of each type, and tells of changes after what was there, once', () => {
    const there = { type: 'Held', status: 'True', reason: 'Throttled', message: 'CPU is held.' };
    let said: Said = { ...base, observations: [{ ...there, status: 'True' }] };
    for (const seconds of [300, 200, 100]) {
      const message = `It cools down for ${seconds} s more.`;
      said = withActing(said, { ...CALM, held: { reason: 'Cooldown', message } }, []);
    }
    assert.deepEqual(said.observations, [
      { ...there, message: 'CPU is held. Changes: It cools down for 100 s more.' },
    ]);
  });

  it('tells of a change that was taken back, and of leaks', () => {
    const said = withActing(base, { ...CALM, takenBack: 'It did harm.', leaking: ['a', 'b'] }, []);
    assert.equal(condition(said, 'Degraded')?.reason, 'TakenBack');
    assert.match(condition(said, 'LeakSuspected')?.message ?? '', /Memory of a, b grows/);
    assert.equal(condition(withActing(said, CALM, []), 'Degraded'), undefined);
    assert.equal(condition(withActing(said, CALM, []), 'LeakSuspected'), undefined);
  });

  it('is what the API takes, however much there is to say', () => {
    const long = 'x'.repeat(5000);
    const records = Array.from({ length: 80 }, (_, index) =>
      aRecord({ atSeconds: NOW + index, why: long }),
    );
    const said = withActing(
      base,
      {
        state: 'Resizing',
        held: { reason: 'PDB', message: long },
        takenBack: long,
        leaking: ['a'],
      },
      historyOf(records),
    );
    const conditions = conditionsOf(said.observations, undefined, { now: '2027-01-15T00:00:00Z' });
    const status = { ...said.content, conditions };
    assert.deepEqual(recommendationStatus.parse(JSON.parse(JSON.stringify(status))), status);
    assert.equal(status.history?.length, 64);
  });
});

describe('what is said of a plan', () => {
  const stuck = {
    podUid: 'u',
    podName: 'cart-1',
    state: 'Infeasible',
    message: 'too big',
  } as const;
  const waiting: Plan = { ...NOTHING, waiting: [stuck] };
  const known = [undefined, undefined] as const;
  const running = podState(cartPod('cart-1'), { live: known, history: new Map() });

  function around(change: Partial<ChangeRecord>[] = [], spec: object = {}) {
    const world = new ActingWorld(spec);
    const governance = governanceOf(world.cluster, aWorkload('cart')) ?? assert.fail();
    const records = change.map((each) => aRecord(each));
    const rules = planRules(aPolicy('own', spec));
    const input = { rules, records, nowSeconds: NOW } as unknown as PlanInput;
    return { governance, input, records, states: [running], isUnfinished: false };
  }
  const again = (plan: Partial<Plan>, given = around()) =>
    againSeconds({ ...NOTHING, ...plan }, given, given.governance);
  const gates = (...reasons: GateReason[]) =>
    reasons.map((reason) => ({ reason, message: `It is ${reason}.` }));

  it('is held by the node where no gate holds', () => {
    const workload = aWorkload('cart');
    assert.deepEqual(heldOf(waiting, [], workload), [
      { reason: 'Infeasible', message: 'The node does not resize cart-1: too big' },
    ]);
    const held = gates('Cooldown');
    assert.deepEqual(heldOf({ ...waiting, held }, [], workload), held);
    assert.deepEqual(heldOf(NOTHING, ['Evict'], workload), []);
    assert.equal(heldOf(waiting, ['Evict'], workload)[0]?.reason, 'PermissionMissing');
  });

  it('is under way from the patch until the kubelet has done it', () => {
    const state = (change: object) =>
      saidOf(NOTHING, { ...around(), states: [{ ...running, ...change }] }).state;
    assert.equal(state({}), 'Applied');
    assert.equal(state({ generation: 2 }), 'Resizing');
    const since = { sinceSeconds: NOW, message: '' };
    assert.equal(state({ resize: { state: 'InProgress', ...since } }), 'Resizing');
    assert.equal(saidOf(NOTHING, { ...around(), states: [] }).state, undefined);
    assert.equal(saidOf(NOTHING, { ...around(), isUnfinished: true }).state, 'Resizing');
  });

  it('is looked at again when its time has come, and not before', () => {
    assert.equal(again({}), undefined);
    assert.equal(again({ held: gates('VPAOwns') }), undefined);
    assert.equal(again({}, around([{ atSeconds: NOW - 100 }])), 500);
    assert.equal(again({ held: gates('PDB') }), 60);
    const fine = { atSeconds: NOW - 1000, outcome: 'Fine' } as const;
    assert.equal(again({ held: gates('Cooldown') }, around([fine])), 86_400 - 1000);
    assert.equal(again({}, around([fine])), undefined);
    const bad = { outcome: 'TakenBack', outcomeSeconds: NOW, failures: 2 } as const;
    assert.equal(again({}, around([bad])), 2 * 86_400);
    assert.equal(again({}, { ...around(), isUnfinished: true }), 5);
  });

  it('does not hurry for what is watched for longer than it should be', () => {
    assert.equal(again({}, around([{ lane: 'Return', atSeconds: NOW - 1e6 }])), 60);
  });
});
