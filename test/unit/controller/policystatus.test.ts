import assert from 'node:assert/strict';
import type {
  ContainerOutcome,
  ResourceOutcome,
} from '../../../src/controller/containeroutcome.ts';
import { Fleets } from '../../../src/controller/fleets.ts';
import { policyNotes } from '../../../src/controller/policynotes.ts';
import {
  calibrationOf,
  lookAt,
  ownersOf,
  policyStatusOf,
} from '../../../src/controller/policystatus.ts';
import type { Policy } from '../../../src/controller/ports.ts';
import type { Outcome } from '../../../src/controller/compose.ts';
import { GI, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aPolicy, aWorkload, MemoryCluster } from './memorycluster.ts';

const KEY = 'RightsizePolicy/shop/own';

function resource(change: Partial<ResourceOutcome>): ResourceOutcome {
  const judged = { isLive: false, days: 13, share: 0, isKeeping: true };
  const cost = { requested: 4, recommended: 3, curve: [2, 3, 4, 5, 6] };
  return { promised: 0.05, judged, isCutShort: false, ...cost, ...change };
}

/** A container whose CPU was over its request for this share of the time. */
function container(share: number): ContainerOutcome {
  return {
    cpu: resource({ judged: { isLive: true, days: 10, share, isKeeping: share <= 0.05 } }),
    memory: resource({ promised: 0.01, requested: 4 * GI, recommended: 3 * GI }),
    excesses: [],
  };
}

function outcome(containers: readonly ContainerOutcome[] | undefined): Outcome {
  const savings = { cpu: 1, memory: GI };
  const state = { state: 'Recommended', reason: undefined, savings, failure: undefined };
  return { policyKey: KEY, ...state, containers };
}

describe('the status of a policy', () => {
  let cluster: MemoryCluster;
  let fleets: Fleets;
  let outcomes: Map<string, Outcome>;
  let now: number;

  const policy = (): Policy => cluster.policies.get(KEY) ?? assert.fail();
  /** Brings the policy's status in line as the controller does; whether it was written. */
  const look = async (): Promise<boolean> => {
    const seen = lookAt(policy(), cluster, { owners: ownersOf(cluster), outcomes });
    const calibration = calibrationOf(policy(), seen, {
      verdicts: fleets.verdicts(policy()),
      isKnown: fleets.isKnown(policy()),
    });
    const status = policyStatusOf(policy(), seen, { calibration, nowSeconds: now });
    if (calibration !== undefined) fleets.set(policy(), [], { calibration, nowSeconds: now });
    if (status !== undefined) await cluster.applyPolicyStatus(policy(), status);
    return status !== undefined;
  };
  const realise = (...shares: readonly number[]) => {
    outcomes.set('shop/Deployment/cart', outcome(shares.map(container)));
  };
  const risk = () => policy().status?.conditions?.find(({ type }) => type === 'RiskKept');

  beforeEach(() => {
    cluster = new MemoryCluster().add(aPolicy('own'), aWorkload('cart'));
    fleets = new Fleets(NOW);
    outcomes = new Map();
    now = NOW;
  });

  it('names windows that never open, until they do', async () => {
    const window = { schedule: '0 2 31 2 *', duration: '1h' };
    cluster.add(aPolicy('own', { changes: { windows: [window] } }));
    await look();
    const told = () => policy().status?.conditions?.find(({ type }) => type === 'WindowsInvalid');
    assert.equal(told()?.reason, 'ScheduleUnreadable');
    assert.match(told()?.message ?? '', /changes\.windows\[0\]\.schedule: "0 2 31 2 \*"/);
    const { status } = policy();
    cluster.add(
      aPolicy('own', { changes: { windows: [{ ...window, schedule: '0 2 * * *' }] } }, { status }),
    );
    await look();
    assert.equal(told(), undefined);
  });

  it('tells a selector that matches nothing from one whose workloads go to others', () => {
    cluster = new MemoryCluster().add(
      aPolicy('first', { priority: 1 }),
      aPolicy('second'),
      aPolicy('none', { selector: { matchLabels: { app: 'x' } } }),
      aWorkload('cart'),
    );
    const reason = (name: string) => {
      const of = cluster.policies.get(`RightsizePolicy/shop/${name}`) ?? assert.fail();
      const known = { calibration: undefined, nowSeconds: NOW };
      const status = policyStatusOf(
        of,
        lookAt(of, cluster, { owners: ownersOf(cluster), outcomes }),
        known,
      );
      return [status?.conditions?.[0]?.reason, status?.workloads, status?.owned];
    };
    assert.deepEqual(reason('second'), ['OthersGoFirst', 1, 0]);
    assert.deepEqual(reason('none'), ['NoWorkloadsMatch', 0, 0]);
    assert.deepEqual(reason('first'), ['ReadingHistory', 1, 1]);
  });

  it('is not judged before each of its workloads was read, and does not wait for one that comes later', async () => {
    const said = async () => {
      await look();
      const { calibration, conditions = [] } = policy().status ?? {};
      return [conditions[0]?.reason, calibration?.cpu.containers];
    };
    cluster.add(aWorkload('late'));
    realise(0.01);
    assert.deepEqual(await said(), ['ReadingHistory', undefined]);
    outcomes.set('shop/Deployment/late', outcome([container(0.02)]));
    assert.deepEqual(await said(), ['Recommending', 2]);
    cluster.add(aWorkload('later'));
    assert.deepEqual(await said(), ['Recommending', 2]);
  });

  it('leaves out what a policy that cannot be read has sized', async () => {
    cluster.add(aWorkload('foreign'));
    await cluster.applyRecommendation(aWorkload('foreign'), 'deployment-foreign', 'Inactive');
    await cluster.applyRecommendationStatus(
      { namespace: 'shop', name: 'deployment-foreign' },
      { policy: { kind: 'RightsizePolicy', name: 'bad', uid: 'uid-bad', generation: 1 } },
    );
    cluster.unreadablePolicies.set('RightsizePolicy/shop/bad', 'it is not one');
    realise(0.01);
    await look();
    assert.deepEqual([policy().status?.workloads, policy().status?.owned], [2, 1]);
    assert.equal(policy().status?.calibration?.cpu.containers, 1);
  });

  it('shows what is kept of what is promised, and what each risk costs', async () => {
    realise(0.01, 0.03);
    await look();
    const { calibration } = policy().status ?? {};
    assert.deepEqual(calibration?.summary, {
      kept: '100% of 95%',
      cpu: '2% of 5%',
      memory: '0 of 1%',
    });
    assert.equal(calibration.day, '2027-01-15');
    assert.deepEqual(calibration.cpu, {
      verdict: 'Kept',
      rule: 'In 95% of the containers CPU use is over the request for at most 5% of the time.',
      kept: '100%',
      of: '95%',
      promised: '5%',
      realised: '2%',
      containers: 2,
      live: 2,
      requested: '8',
      recommended: '6',
      cost: 'Recommended: 6 cores, now requested: 8 cores. By risk: 4 at 10%, 6 at 5%, 8 at 2%, 10 at 1%, 12 at 0.5%.',
      curve: [
        { risk: '10%', requests: '4' },
        { risk: '5%', requests: '6' },
        { risk: '2%', requests: '8' },
        { risk: '1%', requests: '10' },
        { risk: '0.5%', requests: '12' },
      ],
    });
    assert.equal(calibration.memory.of, '99%');
    assert.equal(calibration.memory.recommended, '6Gi');
    assert.deepEqual([risk()?.status, risk()?.reason], ['True', 'Kept']);
  });

  it('is not written for figures that move, but once a day', async () => {
    realise(0.01);
    assert.equal(await look(), true);
    now += HOUR_SECONDS;
    realise(0.02);
    assert.equal(await look(), false);
    assert.equal(policy().status?.calibration?.cpu.realised, '1%');
    now += 24 * HOUR_SECONDS;
    assert.equal(await look(), true);
    assert.equal(policy().status?.calibration?.cpu.realised, '2%');
    assert.equal(await look(), false);
  });

  it('says at once when a promise is broken beyond chance, and when it is kept again', async () => {
    const ten = (misses: number) => Array.from({ length: 10 }, (_, i) => (i < misses ? 0.06 : 0));
    const notes = async (misses: number) => {
      const before = policy().status;
      realise(...ten(misses));
      await look();
      const after = policy().status ?? assert.fail();
      return policyNotes(before, after).map(({ type, reason }) => `${type} ${reason}`);
    };
    assert.deepEqual(await notes(0), ['Normal Recommending']);
    // 2 or more of 10 miss 95 % by chance in 8.6 % of cases, 3 or more in 1.2 %.
    assert.deepEqual(await notes(2), []);
    assert.deepEqual(await notes(3), ['Warning CPUNotKept']);
    assert.deepEqual(fleets.viewOf(policy(), NOW).notKept, ['cpu']);
    assert.match(risk()?.message ?? '', /70% of 10 containers keep their risk, 95% are promised/);
    assert.deepEqual(await notes(2), [], 'not kept again yet');
    assert.deepEqual([risk()?.status, risk()?.reason], ['False', 'CPUNotKept']);
    assert.deepEqual(await notes(1), ['Normal RiskKeptAgain']);
    assert.deepEqual(fleets.viewOf(policy(), NOW).notKept, []);
  });

  it('remembers after a restart that a promise is broken, until all is read again', async () => {
    realise(0.9, 0.9, 0.9);
    await look();
    fleets = new Fleets(NOW);
    outcomes.clear();
    assert.deepEqual(fleets.viewOf(policy(), NOW).notKept, ['cpu']);
    await look();
    assert.equal(risk()?.reason, 'CPUNotKept');
    outcomes.set('shop/Deployment/cart', outcome(undefined));
    await look();
    assert.equal(risk()?.reason, 'CPUNotKept');
    assert.equal(policy().status?.calibration?.cpu.verdict, 'NotKept');
    realise(0, 0, 0);
    await look();
    assert.equal(risk()?.reason, 'Kept');
  });

  it('does not take over what a policy of the same name has broken', async () => {
    realise(0.9, 0.9, 0.9);
    await look();
    cluster.add(aPolicy('own', {}, { uid: 'uid-other' }));
    assert.deepEqual(fleets.viewOf(policy(), NOW).notKept, []);
  });

  it('cannot tell while no container has a week to judge by', async () => {
    const young = resource({ judged: undefined });
    outcomes.set('shop/Deployment/cart', outcome([{ cpu: young, memory: young, excesses: [] }]));
    await look();
    assert.deepEqual([risk()?.status, risk()?.reason], ['Unknown', 'TooLittleData']);
    const { calibration } = policy().status ?? {};
    assert.deepEqual(calibration?.summary, { kept: '-', cpu: '-', memory: '-' });
  });
});
