import { z } from 'zod';
import { parseDuration } from './duration.ts';

/** A rule that the API server checks itself; the message says what to write instead. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
}

/** Meta that carries rules into the CRD. zod's own refinements would not get there. */
export function rules(...list: readonly Rule[]): Record<string, unknown> {
  return { 'x-kubernetes-validations': list };
}

/** CEL: the text is a duration of this API. */
export function celIsDuration(path: string): string {
  return `${path}.matches('^[1-9][0-9]{0,4}[smhd]$')`;
}

/**
 * CEL: a duration of this API in seconds. CEL's own duration() knows no days, and putting a string together for it
 * passes the API server's cost limit.
 */
export function celDuration(path: string): string {
  return `int(${path}.substring(0, size(${path}) - 1)) * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[${path}.substring(size(${path}) - 1)]`;
}

/** CEL: the number in front of the percent sign. */
function celPercent(path: string): string {
  return `double(${path}.replace('%', ''))`;
}

interface PercentRange {
  readonly from: number;
  readonly to: number;
  readonly why?: string;
}

export function percent(description: string, { from, to, why = '' }: PercentRange) {
  const hint = `write a percentage from ${from}% to ${to}%, such as "2%"${why}`;
  return z
    .string()
    .max(8)
    .meta({
      description,
      ...rules({
        rule: `self.matches('^[0-9]{1,3}([.][0-9]{1,3})?%$') && ${celPercent('self')} >= ${celDouble(from)} && ${celPercent('self')} <= ${celDouble(to)}`,
        message: hint,
      }),
    });
}

function celDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

interface DurationRange {
  readonly from: string;
  readonly to: string;
}

export function duration(description: string, { from, to }: DurationRange) {
  return z
    .string()
    .max(8)
    .meta({
      description,
      ...rules({
        rule: `${celIsDuration('self')} && ${celDuration('self')} >= ${parseDuration(from)} && ${celDuration('self')} <= ${parseDuration(to)}`,
        message: `write a duration from ${from} to ${to}, as one number and one unit of s, m, h, d, such as "24h"`,
      }),
    });
}

function quantity(description: string, example: string) {
  return z.union([z.string().max(24), z.int().min(0)]).meta({
    description,
    'x-kubernetes-int-or-string': true,
    maxLength: 24,
    ...rules({
      rule: "isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('0')) >= 0",
      message: `write a quantity of zero or more, such as ${example}`,
    }),
  });
}

export const cpuQuantity = (description: string) => quantity(description, '250m or 2');
export const memoryQuantity = (description: string) => quantity(description, '512Mi or 4Gi');

/** An amount per resource, each optional. */
export function amounts(description: string) {
  return z
    .object({
      cpu: cpuQuantity('CPU in cores, such as 250m or 2.').optional(),
      memory: memoryQuantity('Memory in bytes, such as 512Mi or 4Gi.').optional(),
    })
    .describe(description);
}

/** A list whose items differ. */
export function setOf<T extends z.ZodType>(item: T, maxItems: number, description: string) {
  return z.array(item).max(maxItems).meta({ description, 'x-kubernetes-list-type': 'set' });
}

/** A list that server-side apply merges item by item. */
export function mapOf<T extends z.ZodType>(
  item: T,
  { key, maxItems, description }: { key: string; maxItems: number; description: string },
) {
  return z
    .array(item)
    .max(maxItems)
    .meta({ description, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });
}

const LABEL_KEY_LENGTH = 317;
const LABEL_VALUE_LENGTH = 63;

const labelRequirement = z
  .object({
    key: z.string().min(1).max(LABEL_KEY_LENGTH).describe('Label key.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe('How the label is compared with values.'),
    values: z.array(z.string().max(LABEL_VALUE_LENGTH)).max(32).optional().meta({
      description: 'Values for In and NotIn; none for Exists and DoesNotExist.',
      'x-kubernetes-list-type': 'atomic',
    }),
  })
  .meta(
    rules({
      rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
      message:
        'values belong to the operators In and NotIn: give at least one value with those, and none with Exists and DoesNotExist',
    }),
  );

/** The two halves of a Kubernetes label selector; both must hold, and both empty match everything. */
export const labelSelectorFields = {
  matchLabels: z
    .record(z.string(), z.string().max(LABEL_VALUE_LENGTH))
    .optional()
    .meta({ description: 'Labels that must all be there with these values.', maxProperties: 32 }),
  matchExpressions: z.array(labelRequirement).max(32).optional().meta({
    description: 'Label requirements that must all hold.',
    'x-kubernetes-list-type': 'atomic',
  }),
};

/** metav1.Condition. */
export const conditions = mapOf(
  z.object({
    type: z.string().min(1).max(64).describe('What is observed.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .describe('Generation of the object that was looked at.'),
    lastTransitionTime: z
      .string()
      .max(64)
      .meta({ description: 'When status last changed.', format: 'date-time' }),
    reason: z.string().min(1).max(64).describe('One word that a program can compare.'),
    message: z.string().max(1024).describe('One sentence for a person.'),
  }),
  { key: 'type', maxItems: 16, description: 'What is observed now; only what says something.' },
);
