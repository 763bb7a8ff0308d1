import assert from 'node:assert/strict';
import { failuresInARow } from '../../../src/resize/backoff.ts';
import { breaker } from '../../../src/resize/breaker.ts';
import { freeFleet } from '../../../src/resize/budget.ts';
import { trimmed, type ChangeRecord } from '../../../src/resize/changes.ts';
import type { MadePod } from '../../../src/resize/madepod.ts';
import { watchNewPods, withoutProven, type NewPodsInput } from '../../../src/resize/newpods.ts';
import type { ContainerState, PodState } from '../../../src/resize/pod.ts';
import { rescueSignals } from '../../../src/resize/signals.ts';
import { aContainer, aPod, aRecord, NOW, seenAt, sized, used } from './builders.ts';

const LARGE = sized(0.1, 160, [0.2, 160]);
const SMALL = sized(0.1, 48, [0.2, 48]);
const OBSERVE = 600;
const DAY = 86_400;

interface Made {
  readonly pod?: Partial<PodState>;
  readonly container?: Partial<ContainerState>;
  readonly restarts?: number;
  readonly made?: Partial<MadePod>;
}

/** Made a minute ago with what new pods get, and ready since. */
function aMade({ pod = {}, container = {}, restarts = 0, made = {} }: Made = {}): MadePod {
  const times = { createdSeconds: NOW - 60, readinessSeconds: NOW - 55 };
  return {
    state: aPod(aContainer(SMALL, container), { ...times, ...pod }),
    isRunning: true,
    hasEnded: false,
    hasFailed: false,
    restarts: new Map([['main', restarts]]),
    ...made,
  };
}

/** It ends as soon as it begins. */
function aFailing({ pod = {}, container = {}, restarts = 2, ...others }: Made = {}): MadePod {
  return aMade({
    pod: { isReady: false, ...pod },
    container: { restartedSeconds: NOW - 5, ...container },
    restarts,
    ...others,
  });
}

function aLarge(pod: Partial<PodState> = {}): MadePod {
  const state = aPod(aContainer(LARGE), { uid: 'large', ...pod });
  return { ...aMade(), state };
}

function watched(pods: readonly MadePod[], changed: Partial<NewPodsInput> = {}) {
  return watchNewPods({
    pods,
    given: [[{ name: 'main', sizes: SMALL }]],
    template: [{ name: 'main', sizes: LARGE }],
    records: [],
    areRuns: false,
    nowSeconds: NOW,
    observeSeconds: OBSERVE,
    decreaseCooldownSeconds: DAY,
    advice: '',
    ...changed,
  });
}

const OF_NEW: Partial<ChangeRecord> = { method: 'Admission' };
const proven = aRecord(LARGE, SMALL, { ...OF_NEW, outcome: 'Fine', outcomeSeconds: NOW - 999 });

function storyOf(pods: readonly MadePod[], changed: Partial<NewPodsInput> = {}) {
  const { judged } = watched(pods, changed);
  return judged.find(({ outcome }) => outcome === 'TakenBack')?.story;
}

describe('what new pods get', () => {
  it('comes on record when a pod is made with less than the template says', () => {
    const { records, judged } = watched([aMade(), aLarge()]);
    assert.equal(judged.length, 0);
    const [record] = records;
    assert.deepEqual(
      [record?.lane, record?.method, record?.outcome, record?.pods, record?.before.pods],
      ['Savings', 'Admission', 'Watching', 1, 1],
    );
    assert.deepEqual(record?.containers, [{ name: 'main', from: LARGE, to: SMALL }]);
  });

  it('comes on record once', () => {
    const { records } = watched([aMade()]);
    const more = [aMade(), aMade({ pod: { uid: 'b' } })];
    assert.equal(watched(more, { records }).records, records);
    assert.deepEqual(watched(more, { records: [proven] }).records, [proven]);
  });

  it('is not on record beside the eviction that brought it', () => {
    const evicted = aRecord(LARGE, SMALL, { method: 'Evict' });
    assert.deepEqual(watched([aMade()], { records: [evicted] }).records, [evicted]);
    const { judged } = watched([aFailing()], { records: [evicted] });
    assert.equal(judged[0]?.outcome, 'TakenBack');
  });

  it('is not on record for pods of before, for more than the template says, and for nothing', () => {
    const old = aMade({ pod: { createdSeconds: NOW - DAY, readinessSeconds: NOW - DAY } });
    assert.deepEqual(watched([old]).records, []);
    const lessInTemplate = [{ name: 'main', sizes: sized(0.05, 32, [0.1, 32]) }];
    assert.deepEqual(watched([aMade()], { template: lessInTemplate }).records, []);
    assert.deepEqual(watched([aMade()], { given: [] }).records, []);
    assert.deepEqual(watched([aLarge({ createdSeconds: NOW })]).records, []);
  });

  it('is fine when a pod was well with it for long enough', () => {
    const { records } = watched([aMade()]);
    const later = { records, nowSeconds: NOW + OBSERVE };
    assert.equal(watched([aMade()], { ...later, nowSeconds: NOW + 1 }).judged.length, 0);
    const { records: known, judged } = watched([aMade()], later);
    assert.deepEqual(judged[0]?.outcome, 'Fine');
    assert.deepEqual(known[0]?.outcomeSeconds, NOW + OBSERVE);
    assert.equal(watched([aMade()], { ...later, records: known }).records, known);
  });

  it('stays under watch while its pods cannot be placed', () => {
    const pending = aMade({ pod: { isReady: false }, made: { isRunning: false } });
    const { records } = watched([pending]);
    const { judged } = watched([pending], { records, nowSeconds: NOW + DAY });
    assert.deepEqual(judged, []);
  });

  it('is taken back when a pod fails again and again, on record or not', () => {
    const { records } = watched([aMade()]);
    for (const before of [[], records]) {
      const { records: known, judged } = watched([aFailing()], { records: before });
      assert.deepEqual(judged[0]?.story, 'Failed starts in 1 of 1 new pods.');
      const [taken, wayBack] = known;
      assert.deepEqual([taken?.outcome, taken?.failures], ['TakenBack', 1]);
      assert.deepEqual([wayBack?.lane, wayBack?.outcome], ['Return', 'Watching']);
      assert.deepEqual(wayBack?.containers, [{ name: 'main', from: SMALL, to: LARGE }]);
    }
  });

  it('is taken back once, though pods are still there that have it', () => {
    const { records } = watched([aFailing()]);
    assert.equal(watched([aFailing()], { records, nowSeconds: NOW + 60 }).records, records);
  });

  it('is taken back again, for longer, when it fails at the next try', () => {
    const { records } = watched([aFailing()]);
    const at = NOW + DAY + 1;
    const next = aFailing({
      pod: { uid: 'b', createdSeconds: at - 60, readinessSeconds: at - 60 },
      container: { restartedSeconds: at - 5 },
    });
    const again = watched([next], { records, nowSeconds: at });
    assert.equal(failuresInARow(again.records), 2);
  });

  it('begins anew when the same is fine at the next try, and not when something else is', () => {
    const { records } = watched([aFailing()]);
    const fine = { ...OF_NEW, outcome: 'Fine', outcomeSeconds: NOW + DAY } as const;
    assert.equal(failuresInARow([...records, aRecord(LARGE, SMALL, fine)]), 0);
    const other = aRecord(LARGE, sized(0.05, 160, [0.2, 160]), fine);
    assert.equal(failuresInARow([...records, other]), 1);
  });

  it('goes back to what new pods were last fine with, and from there to the template', () => {
    const middle = sized(0.1, 96, [0.2, 96]);
    const records = [aRecord(LARGE, middle, { ...OF_NEW, outcome: 'Fine' })];
    const { records: back } = watched([aFailing()], { records });
    assert.deepEqual(back.at(-1)?.containers[0]?.to, middle);
    const failing = aFailing({ container: { spec: middle, actual: middle } });
    const given = [[{ name: 'main', sizes: middle }]];
    const { records: further } = watched([failing], { records: back, given });
    assert.deepEqual(further.at(-1)?.containers[0]?.to, LARGE);
  });

  it('is known by what it states, whatever a LimitRange has put beside it', () => {
    const { requests } = SMALL;
    const given = [[{ name: 'main', sizes: { requests, limits: {} } }]];
    assert.deepEqual(watched([aMade()], { given }).records[0]?.containers[0]?.to, SMALL);
  });

  it('says what to do where pods are left alone', () => {
    assert.equal(
      storyOf([aFailing(), aLarge()], { advice: 'Delete them.' }),
      'Failed starts in 1 of 1 new pods, against 0 of 1 others. Delete them.',
    );
  });
});

describe('a new pod harms', () => {
  const stories: Readonly<Record<string, { pod: MadePod; want: RegExp; areRuns?: boolean }>> = {
    'when it was killed for memory once': {
      pod: aMade({ container: { oomKilledSeconds: NOW - 30 } }),
      want: /^OOM kills in 1 of 1/,
    },
    'when it is not ready for five minutes': {
      pod: aMade({
        pod: { isReady: false, createdSeconds: NOW - 301, readinessSeconds: NOW - 301 },
      }),
      want: /^Not ready in 1 of 1/,
    },
    'when it has failed since it was made, though nobody looked for days': {
      pod: aFailing({
        pod: { createdSeconds: NOW - 3 * DAY, readinessSeconds: NOW - 20 },
        restarts: 900,
      }),
      want: /^Failed starts in 1 of 1/,
    },
    'when it was resized before it was ever well': {
      pod: aFailing({ pod: { generation: 2 } }),
      want: /^Failed starts in 1 of 1/,
    },
    'when it is a run that failed': {
      pod: aMade({ made: { hasEnded: true, hasFailed: true, isRunning: false } }),
      want: /^Failed starts in 1 of 1/,
      areRuns: true,
    },
  };
  for (const [when, { pod, want, areRuns = false }] of Object.entries(stories)) {
    it(when, () => assert.match(storyOf([pod], { areRuns }) ?? '', want));
  }

  it('when it is throttled and its CPU was lowered', () => {
    const less = sized(0.05, 160, [0.1, 160]);
    const usage = used({ throttledShare: 0.5, throttledSinceSeconds: NOW - 50 });
    const pod = aMade({ container: { spec: less, actual: less, usage } });
    const given = [[{ name: 'main', sizes: less }]];
    assert.match(storyOf([pod], { given }) ?? '', /^Throttling in 1 of 1/);
  });

  const harmless: Readonly<Record<string, readonly MadePod[]>> = {
    'that came up at the second try': [
      aMade({ container: { restartedSeconds: NOW - 50 }, restarts: 1 }),
    ],
    'that cannot be placed or pulled': [
      aMade({
        pod: { isReady: false, createdSeconds: NOW - 900, readinessSeconds: NOW - 900 },
        made: { isRunning: false },
      }),
    ],
    'that was well in its first time': [
      aMade({
        pod: { createdSeconds: NOW - DAY, readinessSeconds: NOW - 400, isReady: false },
        container: { restartedSeconds: NOW - 10, oomKilledSeconds: NOW - 10 },
        restarts: 2,
      }),
    ],
    'while others fail that have all that the template says': [
      aFailing(),
      { ...aLarge(), state: aPod(aContainer(LARGE, { restartedSeconds: NOW - 9 }), { uid: 'l' }) },
    ],
    'that has been put back': [
      aFailing({ container: { spec: LARGE, actual: LARGE }, pod: { generation: 3 } }),
    ],
  };
  for (const [what, pods] of Object.entries(harmless)) {
    it(`not: one ${what}`, () => assert.equal(storyOf(pods), undefined));
  }

  it('not: one that a change has lowered, which is watched as such', () => {
    const records = [aRecord(LARGE, SMALL, { outcome: 'Fine' })];
    const pod = aFailing({ pod: { generation: 2 } });
    assert.deepEqual(watched([pod], { records }).records, records);
  });

  it('not: a run that failed among many that did not', () => {
    const ended = { hasEnded: true, isRunning: false };
    const runs = [1, 2, 3].map((uid) => aMade({ pod: { uid: `${uid}` }, made: ended }));
    const failed = aMade({ made: { ...ended, hasFailed: true } });
    assert.equal(storyOf([...runs, failed], { areRuns: true }), undefined);
    assert.match(storyOf([failed], { areRuns: true }) ?? '', /^Failed starts/);
  });

  it('also with what new pods were fine with before, when half of them do', () => {
    const others = [1, 2].map((uid) => aMade({ pod: { uid: `${uid}` } }));
    assert.equal(storyOf([aFailing(), ...others], { records: [proven] }), undefined);
    assert.ok(storyOf([aFailing(), ...others.slice(1)], { records: [proven] }));
  });
});

describe('records of new pods', () => {
  const RULES = { maxBadShare: 0.1, leastJudged: 1, windowSeconds: 3600 };
  const taken = aRecord(LARGE, SMALL, { ...OF_NEW, outcome: 'TakenBack', outcomeSeconds: NOW });

  it('count for the breaker, apart from sizes that new pods were fine with before', () => {
    const isOpen = (records: readonly ChangeRecord[]) =>
      breaker(withoutProven(records), RULES, { nowSeconds: NOW, acknowledgedSeconds: undefined })
        .isOpen;
    assert.ok(isOpen([taken]));
    assert.ok(!isOpen([proven, taken]));
  });

  it('cost nothing of the budget of the cluster', () => {
    assert.equal(freeFleet([proven], 10, NOW), 10);
  });

  it('do not hide a kill that came before them', () => {
    const [pod] = seenAt([aMade().state], NOW);
    const container = { ...(pod?.containers[0] ?? assert.fail()), oomKilledSeconds: NOW - 59 };
    assert.equal(rescueSignals(container, [proven], NOW)[0]?.cause, 'OOMKilled');
  });

  it('keep the last that was fine, whatever came since', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      aRecord(LARGE, sized(0.1, 100 + index), { outcome: 'Fine', atSeconds: NOW + index }),
    );
    assert.ok(trimmed([proven, ...many], 24).includes(proven));
  });
});
