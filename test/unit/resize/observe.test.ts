import assert from 'node:assert/strict';
import { failuresInARow } from '../../../src/resize/backoff.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import { breaker } from '../../../src/resize/breaker.ts';
import { symptomsOf, verdict } from '../../../src/resize/observe.ts';
import { planPods } from '../../../src/resize/plan.ts';
import type { ContainerState, PodState } from '../../../src/resize/pod.ts';
import { recordsOf } from '../../../src/resize/record.ts';
import { takenBack } from '../../../src/resize/takeback.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  carriedOut,
  FACTS,
  MI,
  NOW,
  sized,
  used,
  seenAt,
} from './builders.ts';

const FROM = sized(1, 400, [2, 400]);
const TO = sized(0.75, 300, [1.5, 300]);
const RECORD = aRecord(FROM, TO, { atSeconds: NOW - 300 });
const AT = { observeSeconds: 600, records: [RECORD] };

function replica(
  uid: string,
  sizes: ContainerState['spec'],
  shows: Partial<ContainerState> = {},
  pod: Partial<PodState> = {},
): PodState {
  return aPod(aContainer(sizes, shows), { uid, ...pod });
}

const calm = (uid: string) => replica(uid, FROM);
const others = ['x', 'y', 'z'].map(calm);

function outcome(pods: readonly PodState[], record = RECORD, nowSeconds = NOW): string {
  return verdict(record, pods, { nowSeconds, observeSeconds: 600, records: [record] }).outcome;
}

const HARM: Readonly<Record<string, readonly [Partial<ContainerState>, Partial<PodState>]>> = {
  'an OOM kill': [{ oomKilledSeconds: NOW - 10 }, {}],
  'a restart': [{ restartedSeconds: NOW - 10 }, {}],
  throttling: [{ usage: used({ throttledShare: 0.4 }) }, {}],
  'a pod that stays not ready': [{}, { isReady: false, readinessSeconds: NOW - 60 }],
};

describe('observing a change', () => {
  for (const [what, [container, pod]] of Object.entries(HARM)) {
    it(`sees harm in ${what} that unchanged replicas do not show`, () => {
      assert.equal(outcome([replica('a', TO, container, pod), ...others]), 'Harmful');
    });

    it(`blames no change for ${what} that unchanged replicas show as often`, () => {
      const pods = [replica('a', TO, container, pod), replica('b', FROM, container, pod)];
      assert.equal(outcome(pods), 'Watching');
    });
  }

  it('tells the story', () => {
    const changed = replica('a', TO, { oomKilledSeconds: NOW - 10 });
    const seen = verdict(RECORD, [changed, ...others], { ...AT, nowSeconds: NOW });
    assert.deepEqual(seen, {
      outcome: 'Harmful',
      story: 'OOM kills in 1 of 1 changed pods, against 0 of 3 unchanged pods.',
    });
  });

  it('compares with the time before where no replica is unchanged', () => {
    const changed = [replica('a', TO, { restartedSeconds: NOW - 10 })];
    assert.equal(outcome(changed), 'Harmful');
    const before = { ...RECORD.before, restarted: 1 };
    assert.equal(outcome(changed, { ...RECORD, before }), 'Watching');
  });

  it('is not alarmed by a probe that fails for a moment', () => {
    const pod = replica('a', TO, {}, { isReady: false, readinessSeconds: NOW - 59 });
    assert.equal(outcome([pod, ...others]), 'Watching');
  });

  it('does not count what was before the change, or after its time', () => {
    assert.equal(outcome([replica('a', TO, { oomKilledSeconds: NOW - 300 })]), 'Watching');
    const late = replica('a', TO, { oomKilledSeconds: NOW + 301 });
    assert.equal(outcome([late], RECORD, NOW + 901), 'Fine');
  });

  it('sees harm that came in time however late it is looked at', () => {
    const pods = [replica('a', TO, { oomKilledSeconds: NOW + 300 }), ...others];
    assert.equal(outcome(pods, RECORD, NOW + 86_400), 'Harmful');
  });

  it('sees harm that goes on, of which only the last is known', () => {
    const back = NOW + 1500;
    for (const [container, pod] of [
      [{ restartedSeconds: back - 70 }, {}],
      [{ oomKilledSeconds: back - 250 }, {}],
      [{}, { isReady: false, readinessSeconds: back - 70 }],
    ] as const) {
      assert.equal(outcome([replica('a', TO, container, pod), ...others], RECORD, back), 'Harmful');
      const both = [replica('a', TO, container, pod), replica('b', FROM, container, pod)];
      assert.equal(outcome(both, RECORD, back), 'Fine');
    }
  });

  it('does not blame a raise for an OOM kill', () => {
    const raise = aRecord(TO, FROM, { lane: 'Rescue', atSeconds: NOW - 300 });
    assert.equal(outcome([replica('a', FROM, { oomKilledSeconds: NOW - 10 })], raise), 'Watching');
  });

  it('does not blame less CPU for an OOM kill', () => {
    const cpuOnly = sized(0.75, 400, [2, 400]);
    const record = aRecord(FROM, cpuOnly, { atSeconds: NOW - 300 });
    const pods = [replica('a', cpuOnly, { oomKilledSeconds: NOW - 10 }), ...others];
    assert.equal(outcome(pods, record), 'Watching');
  });

  it('leaves out pods that began after it, and those that end', () => {
    const kill = { oomKilledSeconds: NOW - 10 };
    const young = replica('a', TO, kill, { createdSeconds: NOW - 100 });
    const ending = replica('b', TO, kill, { isTerminating: true });
    assert.equal(outcome([young, ending, ...others]), 'Watching');
  });

  it('is fine when its time is over without harm', () => {
    assert.equal(outcome([replica('a', TO), ...others], RECORD, NOW + 300), 'Fine');
  });

  it('says nothing where it was not made, or its pods are gone', () => {
    assert.equal(outcome(others, RECORD, NOW + 300), 'Unseen');
    const bad = { ...RECORD, outcome: 'TakenBack', failures: 5 } as const;
    const unseen = { ...RECORD, atSeconds: NOW, outcome: 'Unseen' } as const;
    assert.equal(failuresInARow([bad, unseen]), 5);
    const rules = { maxBadShare: 0.1, leastJudged: 1, windowSeconds: 3600 };
    const at = { nowSeconds: NOW, acknowledgedSeconds: undefined };
    assert.equal(breaker([bad, unseen], rules, at).judged, 1);
  });

  it('is no less a rescue where its pods are gone', () => {
    const rescue = aRecord(TO, FROM, { lane: 'Rescue', atSeconds: NOW - 300 });
    assert.equal(outcome([], rescue, NOW + 300), 'Fine');
  });

  it('has failed where the node would not have it', () => {
    const resize = { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW } as const;
    const pod = replica('a', TO, { actual: FROM }, { resize });
    assert.deepEqual(verdict(RECORD, [pod], { ...AT, nowSeconds: NOW + 300 }), {
      outcome: 'Failed',
      story: 'a: static CPUs',
    });
  });

  it('counts a pod once, and only what the named containers show', () => {
    const kill = { oomKilledSeconds: NOW - 1 };
    const pod = aPod([aContainer(FROM, kill), aContainer(FROM, { name: 'side', ...kill })]);
    const period = { fromSeconds: NOW - 600, toSeconds: NOW, nowSeconds: NOW };
    assert.equal(symptomsOf([pod], ['main', 'side'], period).oomKilled, 1);
    assert.equal(symptomsOf([pod], ['other'], period).oomKilled, 0);
  });
});

describe('a change that another has come after', () => {
  const from = sized(1, 1000, [1, 1100]);
  const to = sized(0.75, 750, [0.75, 800]);
  const raised = sized(0.75, 750, [0.75, 900]);
  const savings = aRecord(from, to, { atSeconds: NOW - 400 });
  const rescue = aRecord(to, raised, { lane: 'Rescue', atSeconds: NOW - 300 });
  const records = [savings, rescue];
  const throttled = used({ throttledShare: 0.9, throttledSinceSeconds: NOW - 90 });
  const at = { nowSeconds: NOW, observeSeconds: 600, records };
  const sick = replica('a', raised, { usage: throttled, restartedSeconds: NOW - 100 });
  const whole = replica('b', to, { usage: throttled });

  it('still harms by what was not changed since', () => {
    const seen = verdict(savings, [sick, replica('x', from)], at);
    assert.deepEqual(seen, {
      outcome: 'Harmful',
      story: 'Restarts in 1 of 1 changed pods, against 0 of 1 unchanged pods.',
    });
  });

  it('is not blamed for what was raised since, nor held against pods that it had reached', () => {
    const killed = replica('a', raised, { oomKilledSeconds: NOW - 10 });
    assert.equal(verdict(savings, [killed, replica('x', from)], at).outcome, 'Watching');
    const back = sized(1, 1000, [1, 1200]);
    const more = [...records, aRecord(to, back, { lane: 'Rescue', atSeconds: NOW - 200 })];
    const pods = [sick, replica('c', back, { restartedSeconds: NOW - 10 }), replica('x', from)];
    const seen = verdict(savings, pods, { ...at, records: more });
    assert.match('story' in seen ? seen.story : '', /^Restarts in 1 of 1 .* 0 of 1 unchanged/);
  });

  it('goes back in each pod as far as it was not changed since', () => {
    const back = takenBack(records, savings, { nowSeconds: NOW, story: 'Throttling.' });
    const pods = [sick, whole, replica('x', from)];
    const { patches } = planPods(aPlanInput(pods, [aTarget(to)], { records: back }));
    assert.deepEqual(
      patches.map(({ podUid, lane, containers }) => [podUid, lane, containers[0]?.to]),
      [
        ['a', 'Return', sized(1, 750, [1, 900])],
        ['b', 'Return', from],
      ],
    );
    const wayBack = back.at(-1);
    assert.ok(wayBack);
    const late = { ...at, nowSeconds: NOW + 900, records: back };
    assert.equal(verdict(wayBack, pods, late).outcome, 'Watching');
    assert.equal(verdict(wayBack, carriedOut(pods, { patches }), late).outcome, 'Fine');
  });
});

describe('a change that replaced pods by others with more', () => {
  const more = sized(1.5, 400, [3, 400]);
  const evicted = aRecord(FROM, more, {
    lane: 'Rescue',
    method: 'Evict',
    atSeconds: NOW - 310,
  });
  const rolledOut: ChangeRecord = { ...evicted, method: 'Rollout' };
  const young = { createdSeconds: NOW - 310, readinessSeconds: NOW - 310 };
  const pending = { ...young, node: undefined, isReady: false };
  const stranded = aPod(aContainer(more, { actual: undefined, usage: undefined }), {
    uid: 'a',
    ...pending,
  });
  const placed: PodState = { ...stranded, node: 'node-b' };

  it('harms where no node takes them, and tells so', () => {
    const at = { nowSeconds: NOW, observeSeconds: 600, records: [evicted] };
    assert.deepEqual(verdict(evicted, [stranded, ...others], at), {
      outcome: 'Harmful',
      story: 'Not ready in 1 of 1 pods that came for others, against 0 of 3 unchanged pods.',
    });
    assert.equal(outcome([stranded], evicted), 'Harmful');
    assert.equal(outcome([stranded], { ...evicted, lane: 'Raise' }), 'Harmful');
    assert.equal(outcome([stranded, ...others], rolledOut), 'Harmful');
    const wasNotReady = { ...evicted.before, notReady: 1 };
    assert.equal(outcome([stranded], { ...evicted, before: wasNotReady }), 'Harmful');
  });

  it('harms where an eviction left one not ready that was, wherever it is', () => {
    assert.equal(outcome([placed, ...others], evicted), 'Harmful');
    const wasNotReady = { ...evicted.before, notReady: 1 };
    assert.equal(outcome([placed, ...others], { ...evicted, before: wasNotReady }), 'Watching');
    assert.equal(outcome([placed, ...others], rolledOut), 'Watching');
  });

  it('gives them time to come up, also those that came late', () => {
    const late = { ...stranded, createdSeconds: NOW - 200, readinessSeconds: NOW - 200 };
    assert.equal(outcome([late, ...others], evicted), 'Watching');
    const long = { ...evicted, atSeconds: NOW - 700 };
    assert.equal(outcome([late, ...others], long), 'Watching');
    assert.equal(outcome([{ ...late, isReady: true }, ...others], long), 'Fine');
    assert.equal(outcome([late, ...others], long, NOW + 100), 'Harmful');
  });

  it('is not blamed for what unchanged pods show as well, nor for pods that it did not make', () => {
    const sick = replica('b', FROM, {}, { isReady: false, readinessSeconds: NOW - 100 });
    assert.equal(outcome([stranded, sick], evicted), 'Watching');
    const old = { ...stranded, createdSeconds: NOW - 900 };
    assert.equal(outcome([old, ...others], evicted), 'Watching');
    const asBefore = aPod(aContainer(FROM, { actual: undefined }), { uid: 'a', ...pending });
    assert.equal(outcome([asBefore, ...others], evicted), 'Watching');
    const full = { ...evicted.before, notReady: 1 };
    assert.equal(outcome([stranded], { ...rolledOut, before: full }), 'Watching');
  });

  describe('that is taken back', () => {
    const story = 'Not ready.';
    const records = takenBack([evicted], evicted, { nowSeconds: NOW, story });
    const facts = { ...FACTS, mode: 'Recreate' } as const;
    const memory = sized(1, 600, [2, 600]);
    const input = (pods: readonly PodState[], target = more) =>
      aPlanInput(pods, [aTarget(target)], { facts, records });

    it('goes back in place in what did not come up, and in nothing else', () => {
      const fine = replica('b', more, {}, { createdSeconds: NOW - 310 });
      const plan = planPods(input([stranded, fine, ...others]));
      assert.deepEqual(
        plan.patches.map(({ podUid, lane, containers }) => [podUid, lane, containers[0]?.to]),
        [['a', 'Return', FROM]],
      );
      const wayBack = records.at(-1);
      assert.ok(wayBack);
      const at = { nowSeconds: NOW + 900, observeSeconds: 600, records };
      assert.equal(verdict(wayBack, [stranded, fine], at).outcome, 'Watching');
      assert.equal(verdict(wayBack, carriedOut([stranded, fine], plan), at).outcome, 'Fine');
    });

    it('takes memory from what is on no node, since nothing uses it', () => {
      const record = { ...evicted, containers: [{ name: 'main', from: FROM, to: memory }] };
      const back = takenBack([record], record, { nowSeconds: NOW, story });
      const pod = aPod(aContainer(memory, { actual: undefined, usage: undefined }), {
        uid: 'a',
        ...pending,
      });
      const asked = (of: PodState) =>
        planPods(aPlanInput([of], [aTarget(memory)], { facts, records: back }));
      assert.deepEqual(asked(pod).patches[0]?.containers[0]?.to, FROM);
      const held = asked({ ...pod, node: 'node-b' });
      assert.deepEqual([held.patches, held.held[0]?.reason], [[], 'BelowCurrentUsage']);
    });

    it('evicts no other for the sake of more before the pause is over', () => {
      const resize = { state: 'Infeasible', message: 'no', sinceSeconds: NOW - 5 } as const;
      const stuck = aPod(aContainer(more, { actual: FROM }), { uid: 'b', resize });
      const pods = [stuck, replica('c', more)];
      const at = (nowSeconds: number) =>
        planPods({ ...input(seenAt(pods, nowSeconds)), nowSeconds });
      const held = at(NOW + 3600);
      assert.deepEqual([held.evictions, held.held[0]?.reason], [[], 'Backoff']);
      assert.equal(at(NOW + 86_400).evictions.length, 1);
    });
  });
});

describe('taking back', () => {
  const sick = replica('a', TO, { oomKilledSeconds: NOW - 10, usage: used({ memoryBytes: MI }) });
  const story = 'OOM kills in 1 of 1 changed pods.';
  const records = takenBack([RECORD], RECORD, { nowSeconds: NOW, story });
  const input = aPlanInput([sick, ...others], [aTarget(TO)], { records });

  it('puts the way back on record, and closes all that set the same', () => {
    const twice = [RECORD, { ...RECORD, atSeconds: NOW - 200 }];
    const after = takenBack(twice, RECORD, { nowSeconds: NOW, story });
    assert.deepEqual(
      after.map((each) => [each.lane, each.outcome, each.pods]),
      [
        ['Savings', 'TakenBack', 1],
        ['Savings', 'TakenBack', 1],
        ['Return', 'Watching', 2],
      ],
    );
    assert.equal(failuresInARow(after), 1);
  });

  it('gives no pod less than it had, where some had more than others', () => {
    const other = aRecord(sized(1.5, 350, [2.5]), TO, { atSeconds: NOW - 200 });
    const after = takenBack([RECORD, other], RECORD, { nowSeconds: NOW, story });
    assert.deepEqual(after.at(-1)?.containers, [
      { name: 'main', from: TO, to: sized(1.5, 400, [2.5]) },
    ]);
  });

  it('is the same when it is done twice', () => {
    assert.deepEqual(takenBack(records, RECORD, { nowSeconds: NOW + 5, story }), records);
  });

  it('survives being written down', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(records)), records);
  });

  it('brings the pods back that the change had reached, and no others', () => {
    const plan = planPods(input);
    assert.deepEqual(
      plan.patches.map(({ podUid, lane, containers }) => [podUid, lane, containers[0]?.to]),
      [['a', 'Return', FROM]],
    );
    assert.deepEqual(
      recordsOf({ ...input, changes: plan.patches, method: 'Resize', observeSeconds: 600 }),
      [],
    );
  });

  it('goes on though the breaker is open, the owner not ready and no window open', () => {
    const facts = { ...FACTS, isBreakerOpen: true, isReady: false, isInWindow: false };
    assert.equal(planPods({ ...input, facts }).patches.length, 1);
  });

  it('is watched until every pod is back, and is not repeated at once', () => {
    const wayBack = records.at(-1);
    assert.ok(wayBack);
    assert.equal(outcome(input.pods, wayBack, NOW + 9000), 'Watching');
    const pods = carriedOut(input.pods, planPods(input));
    assert.equal(outcome(pods, wayBack, NOW + 600), 'Fine');
    const after = planPods({ ...input, pods: seenAt(pods, NOW + 7200), nowSeconds: NOW + 7200 });
    assert.deepEqual(after.patches, []);
    const held = after.held.map(({ reason }) => reason);
    assert.ok(held.includes('Backoff') || held.includes('Cooldown'), held.join());
  });

  it('doubles the pause when the same harms again', () => {
    const again = { ...RECORD, atSeconds: NOW + 90_000 };
    const more = takenBack([...records, again], again, { nowSeconds: NOW + 90_100, story });
    assert.equal(failuresInARow(more), 2);
  });
});

describe('recording', () => {
  it('makes one record of pods that go the same way, with what they showed before', () => {
    const pods = [replica('a', FROM, { restartedSeconds: NOW - 10 }), replica('b', FROM)];
    const rules = { limit: { count: 5 } };
    const input = aPlanInput(pods, [aTarget(sized(0.9, 360, [2, 400]))]);
    const { patches } = planPods({ ...input, rules: { ...input.rules, ...rules } });
    assert.equal(patches.length, 2);
    const [record, more] = recordsOf({
      changes: patches,
      method: 'Resize',
      pods,
      nowSeconds: NOW,
      observeSeconds: 600,
    });
    assert.equal(more, undefined);
    assert.deepEqual(record, {
      ...aRecord(FROM, sized(0.9, 360, [2, 400]), { atSeconds: NOW, pods: 2 }),
      before: { pods: 2, oomKilled: 0, restarted: 1, notReady: 0, throttled: 0 },
    });
  });
});
