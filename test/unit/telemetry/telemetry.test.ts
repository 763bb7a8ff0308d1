import assert from 'node:assert/strict';
import {
  createMetrics,
  type MetricsSnapshot,
  type PolicyPromise,
} from '../../../src/telemetry/metrics.ts';
import { parseAddress } from '../../../src/telemetry/server.ts';

describe('an address to listen on', () => {
  const good = {
    '127.0.0.1:8080': { host: '127.0.0.1', port: 8080 },
    '[::1]:9090': { host: '::1', port: 9090 },
    'localhost:0': { host: 'localhost', port: 0 },
    '0.0.0.0:65535': { host: '0.0.0.0', port: 65_535 },
  };
  for (const [text, want] of Object.entries(good)) {
    it(`may be ${text}`, () => assert.deepEqual(parseAddress(text), want));
  }
  for (const text of ['', '8080', ':8080', 'localhost', 'localhost:', '::1:80', 'a:65536', 'a:x']) {
    it(`may not be "${text}"`, () => {
      assert.throws(() => parseAddress(text), /is not an address; write host:port/);
    });
  }
});

describe('metrics', () => {
  const quiet: MetricsSnapshot = {
    isLeader: true,
    queueDepth: 3,
    usage: { wanted: 5, failing: 2, unread: 1 },
    outcomes: [],
    promises: [],
    isBreakerOpen: false,
    budgets: { limit: 2, active: 1, waiting: 3, restSeconds: 0, heldSeconds: 40 },
    stateSavedSeconds: undefined,
  };
  const alone = { version: '1.2.3', shard: { index: 0, shards: 1 } };
  const rendered = (change: Partial<MetricsSnapshot> = {}) =>
    createMetrics(alone, () => ({ ...quiet, ...change })).render();

  it('show what is at the moment that somebody asks', async () => {
    let queueDepth = 3;
    const metrics = createMetrics(alone, () => ({ ...quiet, queueDepth }));
    assert.match(await metrics.render(), /^rightsize_queue_depth 3$/m);
    queueDepth = 0;
    assert.match(await metrics.render(), /^rightsize_queue_depth 0$/m);
  });

  it('count workloads by state and holds by reason, and forget those that are gone', async () => {
    const savings = { cpu: 0.5, memory: 1024 };
    const held = { state: 'Held:OOMKilled', reason: 'OOMKilled', savings };
    let outcomes = [held, held, { state: 'Fits', reason: undefined, savings }];
    const metrics = createMetrics(alone, () => ({ ...quiet, outcomes }));
    const text = await metrics.render();
    assert.match(text, /^rightsize_workloads\{state="Held"\} 2$/m);
    assert.match(text, /^rightsize_workloads\{state="Fits"\} 1$/m);
    assert.match(text, /^rightsize_held_workloads\{reason="OOMKilled"\} 2$/m);
    assert.match(text, /^rightsize_recommended_savings_cores 1.5$/m);
    assert.match(text, /^rightsize_recommended_savings_bytes 3072$/m);
    outcomes = [];
    assert.doesNotMatch(await metrics.render(), /rightsize_workloads\{/);
  });

  it('count what was done', async () => {
    const metrics = createMetrics(alone, () => quiet);
    metrics.reconciled('Created');
    metrics.watchChanged('pods', 'Watching');
    const call = { kind: 'range', outcome: 'Ok', seconds: 0.2, waitedSeconds: 3 };
    metrics.prometheusCalled({ ...call, bytes: 100, samples: 7 });
    const text = await metrics.render();
    assert.match(text, /^rightsize_reconciles_total\{result="Created"\} 1$/m);
    assert.match(
      text,
      /^rightsize_watch_transitions_total\{resource="pods",state="Watching"\} 1$/m,
    );
    for (const line of [
      'query_duration_seconds_count{kind="range",outcome="Ok"} 1',
      'received_bytes_total{kind="range"} 100',
      'received_samples_total{kind="range"} 7',
      'budget_wait_seconds_total{kind="range"} 3',
      'query_limit 2',
      'queries_active 1',
      'queries_waiting 3',
      'rest_seconds 0',
      'held_seconds 40',
    ]) {
      assert.ok(text.includes(`\nrightsize_prometheus_${line}\n`), line);
    }
  });

  it('show what policies promise and realise, and nothing where nothing can be judged', async () => {
    const promise = (policy: string, change: Partial<PolicyPromise> = {}): PolicyPromise => ({
      policy,
      resource: 'cpu',
      promised: 0.02,
      realised: 0.007,
      isKept: false,
      containersKept: 0.9,
      ...change,
    });
    const young = { realised: undefined, isKept: undefined, containersKept: undefined };
    const promises = [
      promise('RightsizePolicy/shop/web'),
      promise('RightsizePolicy/shop/web', { resource: 'memory', ...young }),
    ];
    const text = await rendered({ promises });
    const labels = (resource: string) =>
      `\\{policy="RightsizePolicy/shop/web",resource="${resource}"\\}`;
    for (const line of [
      `rightsize_risk_promised${labels('cpu')} 0.02`,
      `rightsize_risk_promised${labels('memory')} 0.02`,
      `rightsize_risk_realised${labels('cpu')} 0.007`,
      `rightsize_risk_kept${labels('cpu')} 0`,
      `rightsize_policy_containers_kept_ratio${labels('cpu')} 0.9`,
    ]) {
      assert.match(text, new RegExp(`^${line}$`, 'm'));
    }
    assert.doesNotMatch(text, new RegExp(`(realised|kept|ratio)${labels('memory')}`));
  });

  it('name no more than 500 policies', async () => {
    const promises = Array.from({ length: 700 }, (_, index): PolicyPromise => ({
      policy: `RightsizePolicy/shop/${1000 + index}`,
      resource: 'cpu',
      promised: 0.02,
      realised: undefined,
      isKept: undefined,
      containersKept: undefined,
    }));
    const text = await rendered({ promises });
    assert.equal([...text.matchAll(/^rightsize_risk_promised\{/gm)].length, 500);
    assert.match(text, /policy="RightsizePolicy\/shop\/1499"/);
    assert.doesNotMatch(text, /policy="RightsizePolicy\/shop\/1500"/);
  });

  it('carry the version, and no label but those of closed sets', async () => {
    const text = await rendered();
    assert.match(text, /^rightsize_build_info\{version="1.2.3"\} 1$/m);
    const own = text.split('\n').filter((line) => line.startsWith('rightsize_'));
    const labels = own.flatMap((line) =>
      [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label),
    );
    const closed = ['version', 'shard', 'result', 'resource', 'state', 'reason', 'outcome', 'le'];
    assert.deepEqual(
      labels.filter((label) => label === undefined || !closed.includes(label)),
      [],
    );
  });

  it('say which shard of how many this is, so that one that is missing can be told', async () => {
    assert.match(await rendered(), /^rightsize_shards\{shard="0"\} 1$/m);
    const second = { ...alone, shard: { index: 1, shards: 3 } };
    const text = await createMetrics(second, () => quiet).render();
    assert.match(text, /^rightsize_shards\{shard="1"\} 3$/m);
  });

  it('say when the state was saved, where it is', async () => {
    const line = /^rightsize_state_saved_timestamp_seconds (.*)$/m;
    assert.doesNotMatch(await rendered(), line);
    let stateSavedSeconds = 0;
    const metrics = createMetrics(alone, () => ({ ...quiet, stateSavedSeconds }));
    assert.equal(line.exec(await metrics.render())?.[1], '0');
    stateSavedSeconds = 1_800_000_000.5;
    assert.equal(line.exec(await metrics.render())?.[1], '1800000000.5');
  });

  it('are of one registry each, so that two can be made', async () => {
    await rendered();
    await rendered();
  });
});
