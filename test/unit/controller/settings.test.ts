import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Guardrails } from '../../../src/api/policy.ts';
import {
  containerMode,
  containerSettings,
  effectiveMode,
  globMatches,
} from '../../../src/controller/settings.ts';
import type { ContainerSettings } from '../../../src/recommend/settings.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { MI } from '../../support/builders.ts';
import { aClusterPolicy, aPolicy } from './memorycluster.ts';

function settingsOf(
  spec: object,
  container = 'main',
  guardrails: readonly Guardrails[] = [],
): ContainerSettings {
  const found = containerSettings(aPolicy('own', spec), container, guardrails);
  assert.ok(found !== undefined);
  return found;
}

function risks(
  spec: object,
  container = 'main',
  guardrails: readonly Guardrails[] = [],
): readonly [number, number] {
  const { cpu, memory } = settingsOf(spec, container, guardrails).resources;
  return [cpu.risk, memory.risk];
}

describe('the settings of a container', () => {
  it('are those of the defaults where the policy says nothing', () => {
    assert.deepEqual(settingsOf({}), {
      resources: {
        cpu: {
          risk: 0.05,
          limit: { strategy: 'None' },
          bounds: { min: 0.01, max: undefined },
          guardrails: { min: undefined, max: undefined },
          mayIncrease: true,
          mayDecrease: true,
        },
        memory: {
          risk: 0.01,
          limit: { strategy: 'Headroom', headroom: 0 },
          bounds: { min: 32 * MI, max: undefined },
          guardrails: { min: undefined, max: undefined },
          mayIncrease: true,
          mayDecrease: true,
        },
      },
      confidence: 0.95,
      cadence: 'Steady',
      windowSeconds: 14 * DAY_SECONDS,
      minimumSeconds: DAY_SECONDS,
      halfLifeSeconds: 3 * DAY_SECONDS,
      minimumChange: 0.1,
    });
  });

  const profiles = {
    Economy: [0.1, 0.05],
    Balanced: [0.05, 0.01],
    Careful: [0.02, 0.005],
    Critical: [0.01, 0.002],
  };
  for (const [profile, want] of Object.entries(profiles)) {
    it(`take the risk from the profile ${profile}`, () => {
      assert.deepEqual(risks({ riskTolerance: { profile } }), want);
    });
  }

  it('take the risk that is stated before that of the profile', () => {
    const riskTolerance = { profile: 'Critical', cpu: { maxTimeOverRequest: '3%' } };
    assert.deepEqual(risks({ riskTolerance }), [0.03, 0.002]);
    const memory = { memory: { maxPodDaysOverLimit: '0.3%' } };
    assert.deepEqual(risks({ riskTolerance: memory }), [0.05, 0.003]);
  });

  it('take the first override whose name matches', () => {
    const containers = [
      { name: 'jvm-*', riskTolerance: { profile: 'Critical' } },
      { name: 'jvm-main', riskTolerance: { profile: 'Economy' } },
      { name: '*', bounds: { maxAllowed: { cpu: '2' } } },
    ];
    assert.deepEqual(risks({ containers }, 'jvm-main'), [0.01, 0.002]);
    assert.deepEqual(risks({ containers }, 'web'), [0.05, 0.01]);
    assert.equal(settingsOf({ containers }, 'web').resources.cpu.bounds.max, 2);
  });

  it('take the profile of an override before the numbers of the policy, and its numbers first', () => {
    const riskTolerance = {
      cpu: { maxTimeOverRequest: '3%' },
      memory: { maxPodDaysOverLimit: '4%' },
    };
    const containers = [
      {
        name: 'main',
        riskTolerance: { profile: 'Careful', memory: { maxPodDaysOverLimit: '0.1%' } },
      },
    ];
    assert.deepEqual(risks({ riskTolerance, containers }), [0.02, 0.001]);
  });

  it('take bounds and limits of an override field by field', () => {
    const { cpu, memory } = settingsOf({
      bounds: { minAllowed: { cpu: '20m' }, maxAllowed: { cpu: 4, memory: '1Gi' } },
      limits: { cpu: { strategy: 'Ratio' } },
      containers: [
        {
          name: 'main',
          bounds: { maxAllowed: { cpu: '1500m' } },
          limits: { memory: { strategy: 'Headroom', headroom: '25%' } },
        },
      ],
    }).resources;
    assert.deepEqual(cpu.bounds, { min: 0.02, max: 1.5 });
    assert.deepEqual(memory.bounds, { min: 32 * MI, max: 1024 * MI });
    assert.deepEqual(cpu.limit, { strategy: 'Ratio' });
    assert.deepEqual(memory.limit, { strategy: 'Headroom', headroom: 0.25 });
  });

  it('are none where the policy ignores the container', () => {
    const policy = aPolicy('own', { containers: [{ name: 'istio-*', mode: 'Ignore' }] });
    assert.equal(containerSettings(policy, 'istio-proxy', []), undefined);
    assert.ok(containerSettings(policy, 'main', []) !== undefined);
  });

  it('allow the directions that the policy names', () => {
    const changes = { increase: { allowed: ['memory'] }, decrease: { allowed: [] } };
    const { cpu, memory } = settingsOf({ changes }).resources;
    assert.deepEqual([cpu.mayIncrease, cpu.mayDecrease], [false, false]);
    assert.deepEqual([memory.mayIncrease, memory.mayDecrease], [true, false]);
  });
});

describe('guardrails', () => {
  const guardrails: readonly Guardrails[] = [
    {
      maxAllowed: { cpu: '4' },
      minAllowed: { cpu: '10m' },
      maxRisk: { cpu: { maxTimeOverRequest: '2%' } },
    },
    {
      maxAllowed: { cpu: 2, memory: '1Gi' },
      minAllowed: { cpu: '50m' },
      modes: ['Recommend', 'InPlace'],
    },
  ];

  it('bind a namespaced policy, the strictest of them', () => {
    const { cpu, memory } = settingsOf({}, 'main', guardrails).resources;
    assert.deepEqual(cpu.guardrails, { min: 0.05, max: 2 });
    assert.deepEqual(memory.guardrails, { min: undefined, max: 1024 * MI });
    assert.deepEqual(
      risks({ riskTolerance: { profile: 'Economy' } }, 'main', guardrails),
      [0.02, 0.05],
    );
  });

  it('do not loosen a policy that is stricter', () => {
    assert.deepEqual(
      risks({ riskTolerance: { profile: 'Critical' } }, 'main', guardrails),
      [0.01, 0.002],
    );
  });

  it('bind an override as well', () => {
    const containers = [{ name: '*', riskTolerance: { cpu: { maxTimeOverRequest: '50%' } } }];
    assert.equal(risks({ containers }, 'main', guardrails)[0], 0.02);
  });

  it('do not bind a cluster policy', () => {
    const cluster = aClusterPolicy('all', { riskTolerance: { profile: 'Economy' } });
    const { cpu } = containerSettings(cluster, 'main', guardrails)?.resources ?? {};
    assert.equal(cpu?.risk, 0.1);
    assert.deepEqual(cpu.guardrails, { min: undefined, max: undefined });
  });

  it('turn a mode that they do not allow into Recommend', () => {
    assert.equal(effectiveMode(aPolicy('own', { mode: 'InPlace' }), guardrails), 'InPlace');
    assert.equal(effectiveMode(aPolicy('own', { mode: 'Rollout' }), guardrails), 'Recommend');
    assert.equal(effectiveMode(aPolicy('own', { mode: 'Rollout' }), []), 'Rollout');
    assert.equal(effectiveMode(aClusterPolicy('all', { mode: 'Rollout' }), guardrails), 'Rollout');
  });
});

describe('a container name', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['main', 'main', true],
    ['main', 'main2', false],
    ['main', 'my-main', false],
    ['*', 'anything', true],
    ['jvm-*', 'jvm-', true],
    ['jvm-*', 'my-jvm-1', false],
    ['*-proxy', 'istio-proxy', true],
    ['*-proxy', 'istio-proxy-2', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['ab*ba', 'aba', false],
    ['**', 'x', true],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
  ];
  for (const [pattern, name, want] of cases) {
    it(`${name} ${want ? 'matches' : 'does not match'} ${pattern}`, () => {
      assert.equal(globMatches(pattern, name), want);
    });
  }

  it('matches a pattern as a regular expression would', () => {
    const text = (letters: readonly string[]) =>
      fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(text(['a', 'b', '*']), text(['a', 'b']), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
        assert.equal(globMatches(pattern, name), expected);
      }),
    );
  });

  it('is matched in no time, whatever a tenant writes', () => {
    const pattern = `${'*a'.repeat(31)}b`;
    const before = performance.now();
    assert.equal(globMatches(pattern, 'a'.repeat(63)), false);
    // Tried in all ways it would take years.
    assert.ok(performance.now() - before < 1000);
  });
});

describe('the mode of a container', () => {
  const spec = {
    mode: 'Admission',
    containers: [
      { name: 'proxy', mode: 'Ignore' },
      { name: 'jvm-*', mode: 'Recommend' },
      { name: 'web', mode: 'InPlace' },
      { name: '*', bounds: {} },
    ],
  };
  const modes = (policy: ReturnType<typeof aPolicy>, guardrails: readonly Guardrails[] = []) =>
    ['proxy', 'jvm-main', 'web', 'other'].map((name) => containerMode(policy, name, guardrails));

  it('is that of its entry in the policy, else that of the policy', () => {
    assert.deepEqual(modes(aPolicy('own', spec)), [
      'Recommend',
      'Recommend',
      'InPlace',
      'Admission',
    ]);
  });

  it('is Recommend where the guardrails do not allow it', () => {
    const recommended = ['Recommend', 'Recommend', 'Recommend', 'Admission'];
    assert.deepEqual(modes(aPolicy('own', spec), [{ modes: ['Admission'] }]), recommended);
    const bound = [{ modes: ['Recommend' as const] }];
    assert.deepEqual(new Set(modes(aPolicy('own', spec), bound)), new Set(['Recommend']));
  });
});
