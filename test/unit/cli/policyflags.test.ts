import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { BadInput } from '../../../src/cli/failure.ts';
import { policyFromFlags, type PolicyFlags } from '../../../src/cli/policyflags.ts';
import { containerSettings } from '../../../src/controller/settings.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';

describe('the policy of the flags', () => {
  let folder: string;
  let file: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-flags-'));
    file = join(folder, 'policy.yaml');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (spec: unknown, change: object = {}) =>
    writeFileSync(
      file,
      stringify({
        apiVersion: 'rightsize.dev/v1alpha1',
        kind: 'RightsizePolicy',
        metadata: { name: 'mine' },
        spec,
        ...change,
      }),
    );
  const settingsOf = (flags: PolicyFlags, container = 'main') => {
    const settings = containerSettings(policyFromFlags(flags).policy, container, []);
    assert.ok(settings !== undefined);
    return settings;
  };
  const risksOf = (flags: PolicyFlags) => {
    const { cpu, memory } = settingsOf(flags).resources;
    return [cpu.risk, memory.risk];
  };

  it('is the default policy where nothing is said, and gives way to those of the cluster', () => {
    assert.equal(policyFromFlags({}).isDefault, true);
    assert.deepEqual(risksOf({}), [0.05, 0.01]);
  });

  it('is as the flags say', () => {
    const flags = { cpuRisk: '2%', memoryRisk: '0.5%', confidence: '99%', window: '7d' };
    assert.equal(policyFromFlags(flags).isDefault, false);
    assert.deepEqual(risksOf(flags), [0.02, 0.005]);
    assert.equal(settingsOf(flags).confidence, 0.99);
    assert.equal(settingsOf(flags).windowSeconds, 7 * DAY_SECONDS);
    assert.deepEqual(risksOf({ profile: 'Critical', cpuRisk: '3%' }), [0.03, 0.002]);
  });

  it('is as the file says, and the flags before it', () => {
    write({
      riskTolerance: { profile: 'Careful', cpu: { maxTimeOverRequest: '4%' } },
      history: { window: '20d' },
      containers: [{ name: 'side-*', riskTolerance: { profile: 'Economy' } }],
    });
    assert.equal(policyFromFlags({ policy: file }).policy.name, 'mine');
    assert.deepEqual(risksOf({ policy: file }), [0.04, 0.005]);
    assert.deepEqual(risksOf({ policy: file, cpuRisk: '9%' }), [0.09, 0.005]);
    assert.deepEqual(risksOf({ policy: file, profile: 'Critical' }), [0.01, 0.002]);
    assert.equal(settingsOf({ policy: file }).windowSeconds, 20 * DAY_SECONDS);
    assert.equal(settingsOf({ policy: file }, 'side-car').resources.cpu.risk, 0.1);
  });

  it('may be a cluster policy', () => {
    write(
      { namespaceSelector: { matchLabels: { team: 'blue' } } },
      { kind: 'ClusterRightsizePolicy' },
    );
    assert.equal(policyFromFlags({ policy: file }).policy.kind, 'ClusterRightsizePolicy');
  });

  const bad: Readonly<Record<string, { flags: PolicyFlags; want: RegExp }>> = {
    'a risk that is not a percentage': { flags: { cpuRisk: '2' }, want: /^--cpu-risk: "2" is not/ },
    'a risk that samples cannot show': {
      flags: { cpuRisk: '0.05%' },
      want: /^--cpu-risk: "0.05%" is not from 0.1% to 50%$/,
    },
    'a memory risk that is too high': {
      flags: { memoryRisk: '51%' },
      want: /^--memory-risk: "51%" is not from 0.01% to 50%$/,
    },
    'a confidence of all': {
      flags: { confidence: '100%' },
      want: /^--confidence: "100%" is not from 50% to 99%$/,
    },
    'a window without a unit': {
      flags: { window: '14' },
      want: /^--window: "14" is not a duration/,
    },
    'a file that is not there': {
      flags: { policy: '/nowhere/policy.yaml' },
      want: /\/nowhere\/policy\.yaml/,
    },
  };
  for (const [what, { flags, want }] of Object.entries(bad)) {
    it(`refuses ${what}, and names the flag`, () => {
      assert.throws(
        () => policyFromFlags(flags),
        (error) => error instanceof BadInput && want.test(error.message),
      );
    });
  }

  const badFiles: Readonly<Record<string, { text: string; want: RegExp }>> = {
    'is not YAML': { text: 'a: [', want: /^.*policy\.yaml: / },
    'is empty': { text: '', want: /policy\.yaml: expected a RightsizePolicy or Cluster/ },
    'has no spec': {
      text: 'apiVersion: rightsize.dev/v1alpha1\nkind: RightsizePolicy\nmetadata: {name: a}\n',
      want: /policy\.yaml: spec: /,
    },
    'is of another kind': {
      text: 'apiVersion: rightsize.dev/v1alpha1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n',
      want: /policy\.yaml: kind: /,
    },
    'has a field of the wrong type': {
      text: 'apiVersion: rightsize.dev/v1alpha1\nkind: RightsizePolicy\nmetadata: {name: a}\nspec: {priority: high}\n',
      want: /policy\.yaml: spec\.priority: /,
    },
    'has a risk that is no percentage': {
      text: 'apiVersion: rightsize.dev/v1alpha1\nkind: RightsizePolicy\nmetadata: {name: a}\nspec: {riskTolerance: {confidence: high}}\n',
      want: /policy\.yaml: .*"high" is not a percentage/,
    },
  };
  for (const [what, { text, want }] of Object.entries(badFiles)) {
    it(`refuses a file that ${what}, and names it in one line`, () => {
      writeFileSync(file, text);
      assert.throws(
        () => policyFromFlags({ policy: file }),
        (error) =>
          error instanceof BadInput && want.test(error.message) && !error.message.includes('\n'),
      );
    });
  }
});
