import { z } from 'zod';
import { GROUP, PLURALS, VERSION } from './group.ts';
import { clusterRightsizePolicySpec, policyStatus, rightsizePolicySpec } from './policy.ts';
import { recommendationSpec, recommendationStatus } from './recommendation.ts';

interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description: string;
  /**
   * 1: only with -o wide. An explicit 0 is dropped by the API server, and server-side apply after client-side apply
   * then ends in a conflict.
   */
  readonly priority?: 1;
}

interface KindDefinition {
  readonly kind: keyof typeof PLURALS;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly Column[];
}

const age: Column = {
  name: 'Age',
  jsonPath: '.metadata.creationTimestamp',
  type: 'date',
  description: 'Time since creation.',
};

const policyColumns: readonly Column[] = [
  { name: 'Mode', jsonPath: '.spec.mode', type: 'string', description: 'How far it goes.' },
  {
    name: 'Profile',
    jsonPath: '.spec.riskTolerance.profile',
    type: 'string',
    description: 'Named risk.',
  },
  {
    name: 'Workloads',
    jsonPath: '.status.owned',
    type: 'integer',
    description: 'Workloads that this policy sizes.',
  },
  {
    name: 'Recommended',
    jsonPath: '.status.recommended',
    type: 'integer',
    description: 'Of these, how many have a recommendation.',
  },
  {
    name: 'Held',
    jsonPath: '.status.held',
    type: 'integer',
    description: 'Of these, how many are held.',
  },
  {
    name: 'Kept',
    jsonPath: '.status.conditions[?(@.type=="RiskKept")].reason',
    type: 'string',
    description: 'Whether the promised risk is kept.',
  },
  {
    name: 'CPU risk',
    jsonPath: '.status.calibration.summary.cpu',
    type: 'string',
    description: 'Realised of promised risk.',
  },
  {
    name: 'Mem risk',
    jsonPath: '.status.calibration.summary.memory',
    type: 'string',
    description: 'Realised of promised risk.',
  },
  {
    name: 'CPU saves',
    jsonPath: '.status.savings.cpu',
    type: 'string',
    description: 'CPU requests saved.',
  },
  {
    name: 'Memory saves',
    jsonPath: '.status.savings.memory',
    type: 'string',
    description: 'Memory requests saved.',
  },
  {
    name: 'Ready',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    type: 'string',
    description: 'State of the policy.',
  },
  age,
  {
    name: 'Containers kept',
    jsonPath: '.status.calibration.summary.kept',
    type: 'string',
    description: 'Share of the containers that keep their CPU risk, of what is promised.',
    priority: 1,
  },
];

function summaryColumn(name: string, field: string): Column {
  return {
    name,
    jsonPath: `.status.summary.${field}`,
    type: 'string',
    description: `See status.summary.${field}.`,
  };
}

function wideColumn(name: string, field: string): Column {
  return { ...summaryColumn(name, field), priority: 1 };
}

export const KIND_DEFINITIONS: readonly KindDefinition[] = [
  {
    kind: 'RightsizePolicy',
    scope: 'Namespaced',
    shortName: 'rsp',
    description:
      'RightsizePolicy says which workloads of its namespace are sized, to what risk, and how.',
    spec: rightsizePolicySpec,
    status: policyStatus,
    columns: policyColumns,
  },
  {
    kind: 'ClusterRightsizePolicy',
    scope: 'Cluster',
    shortName: 'crsp',
    description:
      'ClusterRightsizePolicy is the default for namespaces without a policy of their own, and sets guardrails that no namespaced policy can pass.',
    spec: clusterRightsizePolicySpec,
    status: policyStatus,
    columns: policyColumns,
  },
  {
    kind: 'Recommendation',
    scope: 'Namespaced',
    shortName: 'rsrec',
    description:
      'Recommendation says what the containers of one workload need, why, and on what evidence. The operator writes it; it goes with the workload.',
    spec: recommendationSpec,
    status: recommendationStatus,
    columns: [
      {
        name: 'Mode',
        jsonPath: '.status.mode',
        type: 'string',
        description: 'Mode of the policy.',
      },
      summaryColumn('CPU', 'cpu'),
      summaryColumn('Memory', 'memory'),
      summaryColumn('CPU risk', 'cpuRisk'),
      summaryColumn('Mem risk', 'memoryRisk'),
      summaryColumn('Saves', 'saves'),
      summaryColumn('Status', 'status'),
      age,
      wideColumn('Policy', 'policy'),
      wideColumn('Evidence', 'evidence'),
      wideColumn('Basis', 'basis'),
      wideColumn('Confidence', 'confidence'),
    ],
  },
];

type JsonSchema = Record<string, unknown>;

/**
 * A schema as the structural OpenAPI v3 that the API server takes. zod writes a few things that it refuses:
 * int-or-string as anyOf, and bounds of safe integers.
 */
function structural(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    override: ({ jsonSchema }) => {
      const node = jsonSchema as JsonSchema;
      if (node['x-kubernetes-int-or-string'] === true) {
        delete node['anyOf'];
        delete node['type'];
      }
      if (node['minimum'] === Number.MIN_SAFE_INTEGER) delete node['minimum'];
      if (node['maximum'] === Number.MAX_SAFE_INTEGER) delete node['maximum'];
      if (node['type'] === 'integer') node['format'] = 'int64';
    },
  }) as JsonSchema;
  delete json['$schema'];
  return json;
}

/** The CustomResourceDefinition of a kind. */
export function crd(definition: KindDefinition): Record<string, unknown> {
  const plural = PLURALS[definition.kind];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: definition.scope,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural,
        singular: definition.kind.toLowerCase(),
        shortNames: [definition.shortName],
        categories: ['rightsize'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: definition.description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(definition.spec),
                status: structural(definition.status),
              },
            },
          },
        },
      ],
    },
  };
}
