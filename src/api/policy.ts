import { z } from 'zod';
import { calibration } from './calibration.ts';
import { changes } from './changes.ts';
import {
  amounts,
  celDuration,
  celIsDuration,
  conditions,
  cpuQuantity,
  duration,
  labelSelectorFields,
  mapOf,
  memoryQuantity,
  percent,
  rules,
  setOf,
} from './fields.ts';
import { containerRisk, cpuRisk, memoryRisk, riskTolerance } from './risk.ts';

export const MODES = ['Recommend', 'Admission', 'InPlace', 'Recreate', 'Rollout'] as const;
export type Mode = (typeof MODES)[number];

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'Rollout'] as const;

const selector = z.object({
  kinds: setOf(
    z.enum(KINDS),
    KINDS.length,
    'Kinds of workload. Default: all of these that the cluster serves.',
  ).prefault([...KINDS]),
  ...labelSelectorFields,
});

const history = z
  .object({
    window: duration('How far back usage counts. Default 14d.', {
      from: '1d',
      to: '90d',
    }).prefault('14d'),
    minimum: duration('No request is lowered before history covers this much. Default 24h.', {
      from: '1h',
      to: '90d',
    }).prefault('24h'),
    halfLife: duration('Age at which a CPU sample counts half. Default 3d.', {
      from: '1h',
      to: '90d',
    }).prefault('3d'),
  })
  .prefault({})
  .meta({
    description: 'Which usage is looked at.',
    ...rules({
      // The default of this object is checked too, before the defaults of its fields are there.
      // What is no duration is said by the field itself.
      rule: `!has(self.minimum) || !has(self.window) || !${celIsDuration('self.minimum')} || !${celIsDuration('self.window')} || ${celDuration('self.minimum')} <= ${celDuration('self.window')}`,
      message:
        'history.minimum must not be longer than history.window: shorten the minimum or lengthen the window',
    }),
  });

function limitStrategy(resource: string, defaults: string) {
  return z
    .object({
      strategy: z
        .enum(['None', 'Keep', 'Ratio', 'Headroom'])
        .describe(
          `None: no ${resource} limit. Keep: the limit that is there. Ratio: the template's ratio of limit to request. Headroom: the request plus headroom. ${defaults}`,
        ),
      headroom: percent('With strategy Headroom: how far the limit is above the request.', {
        from: 0,
        to: 900,
      }).optional(),
    })
    .meta({
      description: `How the ${resource} limit follows from the request. ${defaults}`,
      ...rules(
        {
          rule: "self.strategy == 'Headroom' || !has(self.headroom)",
          message:
            'headroom is only read with strategy Headroom: set strategy to Headroom or leave headroom out',
        },
        {
          rule: "self.strategy != 'Headroom' || has(self.headroom)",
          message:
            'strategy Headroom needs headroom: write how far the limit is above the request, such as 20%, or 0% for limit = request',
        },
      ),
    });
}

const limits = z
  .object({
    cpu: limitStrategy('CPU', 'Default None.').prefault({ strategy: 'None' }),
    memory: limitStrategy('memory', 'Default Headroom of 0%: limit = request.').prefault({
      strategy: 'Headroom',
      headroom: '0%',
    }),
  })
  .prefault({})
  .describe('How limits follow from requests.');

const boundsFields = {
  minAllowed: amounts('No request is set below this.').optional(),
  maxAllowed: amounts('No request is set above this.').optional(),
};

function symmetric(path: string): readonly { rule: string; message: string }[] {
  return ['cpu', 'memory'].map((resource) => ({
    rule: `!has(self.minAllowed) || !has(self.maxAllowed) || !has(self.minAllowed.${resource}) || !has(self.maxAllowed.${resource}) || !isQuantity(string(self.minAllowed.${resource})) || !isQuantity(string(self.maxAllowed.${resource})) || quantity(string(self.minAllowed.${resource})).compareTo(quantity(string(self.maxAllowed.${resource}))) <= 0`,
    message: `${path}.minAllowed.${resource} must not be above ${path}.maxAllowed.${resource}: lower the one or raise the other`,
  }));
}

const bounds = z
  .object(boundsFields)
  .meta({ description: 'Bounds of requests.', ...rules(...symmetric('bounds')) });

const policyBounds = z
  .object({
    minAllowed: z
      .object({
        cpu: cpuQuantity('Default 10m.').prefault('10m'),
        memory: memoryQuantity('Default 32Mi.').prefault('32Mi'),
      })
      .prefault({})
      .describe('No request is set below this.'),
    maxAllowed: boundsFields.maxAllowed,
  })
  .prefault({})
  .meta({ description: 'Bounds of requests, per container.', ...rules(...symmetric('bounds')) });

const containerOverride = z
  .object({
    name: z
      .string()
      .min(1)
      .max(63)
      .describe('Container name; * stands for any characters. The first entry that matches wins.'),
    mode: z
      .enum(['Ignore', ...MODES])
      .optional()
      .describe(
        "Ignore: neither recommended nor changed. Otherwise as the policy's mode. Default: the policy's mode.",
      ),
    riskTolerance: containerRisk.optional(),
    limits: z
      .object({
        cpu: limitStrategy('CPU', 'Default: as in the policy.').optional(),
        memory: limitStrategy('memory', 'Default: as in the policy.').optional(),
      })
      .optional()
      .describe('Limits of these containers; what is left out is as in the policy.'),
    bounds: bounds.optional(),
  })
  .describe('What differs for some containers.');

const policyFields = {
  selector: selector.prefault({}).describe('Which workloads. Default: every workload in reach.'),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .prefault(0)
    .describe(
      'When several policies match: namespaced before cluster, then the higher priority, then the older, then by name. Default 0.',
    ),
  mode: z
    .enum(MODES)
    .prefault('Recommend')
    .describe(
      'Recommend: write recommendations only. Admission: also size new pods. InPlace: also resize running pods without a restart. Recreate: also evict a pod that cannot be resized in place. Rollout: patch the workload itself. Default Recommend.',
    ),
  suspend: z
    .boolean()
    .prefault(false)
    .describe('true: nothing is changed, recommendations go on. Default false.'),
  riskTolerance,
  history,
  limits,
  bounds: policyBounds,
  containers: mapOf(containerOverride, {
    key: 'name',
    maxItems: 32,
    description: 'What differs for some containers; the first entry whose name matches wins.',
  }).optional(),
  cadence: z
    .enum(['Steady', 'Tracking'])
    .prefault('Steady')
    .describe(
      'Steady: CPU is raised at any hour and lowered once a day. Tracking: CPU follows the expected level of the next hour, in place only. Default Steady.',
    ),
  changes,
};

const cadenceRule = {
  rule: "self.cadence != 'Tracking' || self.mode in ['InPlace', 'Recreate']",
  message:
    'cadence Tracking changes requests many times a day, which needs mode InPlace or Recreate: set one of those or cadence Steady',
};

const specText = 'Which workloads are sized, to what risk, and how.';

export const rightsizePolicySpec = z
  .object(policyFields)
  .meta({ description: specText, ...rules(cadenceRule) });

const guardrails = z
  .object({
    ...boundsFields,
    modes: setOf(
      z.enum(MODES),
      MODES.length,
      'Modes that namespaced policies may use; another is treated as Recommend. Default all.',
    ).optional(),
    maxRisk: z
      .object({ cpu: cpuRisk.optional(), memory: memoryRisk.optional() })
      .optional()
      .describe('The most risk that a namespaced policy may take. Default: as it asks.'),
  })
  .meta({
    description: 'What no namespaced policy in the selected namespaces can pass.',
    ...rules(...symmetric('guardrails')),
  });

export const clusterRightsizePolicySpec = z
  .object({
    namespaceSelector: z
      .object(labelSelectorFields)
      .prefault({})
      .describe('Which namespaces, by their labels. Default: all.'),
    ...policyFields,
    guardrails: guardrails.optional(),
  })
  .meta({ description: specText, ...rules(cadenceRule) });

const count = (description: string) => z.int().min(0).optional().describe(description);

export const policyStatus = z
  .object({
    conditions: conditions.optional(),
    observedGeneration: count('Generation of the spec that this status is about.'),
    workloads: count('Workloads that the selector matches.'),
    owned: count(
      'Of these, how many are sized by this policy; the others have a policy that goes before.',
    ),
    recommended: count('Of the owned, how many have a recommendation.'),
    held: count('Of the owned, how many are held for a reason; each says which.'),
    savings: z
      .object({
        cpu: z.string().max(24).optional().describe('CPU in cores.'),
        memory: z.string().max(24).optional().describe('Memory.'),
      })
      .optional()
      .describe(
        'Requests now less requests as recommended, over all pods; negative when more is needed.',
      ),
    calibration: calibration.optional(),
  })
  .describe('What the policy does now.');

export type RightsizePolicySpec = z.output<typeof rightsizePolicySpec>;
export type ClusterRightsizePolicySpec = z.output<typeof clusterRightsizePolicySpec>;
export type ContainerOverride = z.output<typeof containerOverride>;
export type LimitsSpec = RightsizePolicySpec['limits'];
export type Guardrails = z.output<typeof guardrails>;
export type PolicyStatus = z.output<typeof policyStatus>;
