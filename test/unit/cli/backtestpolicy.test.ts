import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { notReplayed } from '../../../src/cli/backtestpolicy.ts';
import { checkOutputs, optionsOf, type BacktestFlags } from '../../../src/cli/backtestflags.ts';
import { BadInput } from '../../../src/cli/failure.ts';
import { policyFromFlags } from '../../../src/cli/policyflags.ts';

const FLAGS: BacktestFlags = {
  source: 'csv',
  against: { peers: [], current: 'No' },
  machineCores: {},
  output: 'table',
  prometheusTimeout: 1,
  prometheusConcurrency: 1,
  prometheusReader: 'auto',
  prometheusBytes: 1,
  prometheusSamples: 1,
  prometheusShare: 1,
};

describe('the policy of a backtest', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-replayed-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const given = (spec: object, kind = 'RightsizePolicy') => {
    const file = join(folder, 'policy.yaml');
    const apiVersion = 'rightsize.dev/v1alpha1';
    writeFileSync(file, stringify({ apiVersion, kind, metadata: { name: 'mine' }, spec }));
    return policyFromFlags({ policy: file });
  };
  const noteOf = (spec: object, { kind = 'RightsizePolicy', knowsContainers = false } = {}) => {
    const { policy } = given(spec, kind);
    return notReplayed([policy], { halfLifeHours: 72, knowsContainers });
  };

  it('has its half-life replayed, three days unless stated', () => {
    assert.equal(optionsOf(given({}), FLAGS).halfLifeHours, 72);
    assert.equal(optionsOf(given({ history: { halfLife: '36h' } }), FLAGS).halfLifeHours, 36);
  });

  it('has what it says of every container replayed, and of some not', () => {
    const riskTolerance = { cpu: { maxTimeOverRequest: '7%' } };
    const cpuRisk = (name: string) =>
      optionsOf(given({ containers: [{ name, riskTolerance }] }), FLAGS).risks.cpu;
    assert.deepEqual(['*', 'main', 'any'].map(cpuRisk), [0.07, 0.05, 0.05]);
    assert.throws(
      () => optionsOf(given({ containers: [{ name: '*', mode: 'Ignore' }] }), FLAGS),
      BadInput,
    );
  });

  it('needs no note where all else is as by default, however it is written', () => {
    assert.deepEqual(noteOf({}), []);
    const history = { window: '336h', minimum: '1d' };
    const riskTolerance = { profile: 'Critical' };
    assert.deepEqual(noteOf({ history, riskTolerance, cadence: 'Steady' }), []);
  });

  it('has each field that is not replayed named, in one sentence', () => {
    const spec = {
      history: { window: '7d', minimum: '2d', halfLife: '1d' },
      bounds: { maxAllowed: { cpu: '2' } },
      limits: { memory: { strategy: 'Keep' } },
      containers: [{ name: 'side-*', mode: 'Ignore' }],
      changes: { minimum: '20%', decrease: { allowed: [] } },
      guardrails: { maxRisk: { cpu: { maxTimeOverRequest: '5%' } } },
    };
    assert.deepEqual(noteOf(spec, { kind: 'ClusterRightsizePolicy' }), [
      'not replayed from the policy: bounds, changes.decrease, changes.minimum, containers, guardrails, history.halfLife, history.minimum, history.window, limits',
    ]);
  });

  it('has containers that it ignores named only where nobody knows their names', () => {
    const containers = [{ name: 'side-*', mode: 'Ignore' }];
    assert.deepEqual(noteOf({ containers }, { knowsContainers: true }), []);
    assert.deepEqual(noteOf({ containers }), ['not replayed from the policy: containers']);
  });

  it('is one of several in a cluster, whose fields are named once', () => {
    const policies = [{ window: '7d' }, { window: '8d', minimum: '2d' }].map(
      (history) => given({ history }).policy,
    );
    assert.deepEqual(notReplayed(policies, { halfLifeHours: 72, knowsContainers: true }), [
      'not replayed from the policies: history.minimum, history.window',
    ]);
  });
});

describe('the files that a backtest writes', () => {
  it('are two, by whatever path they are named', () => {
    const check = (recommendationsOut: string, html: string) => () => {
      checkOutputs({ ...FLAGS, recommendationsOut, html });
    };
    assert.throws(check('out/a', './out/../out/a'), BadInput);
    assert.doesNotThrow(check('out/a', 'out/b'));
  });
});
