import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseDuration } from '../api/duration.ts';
import { API_VERSION } from '../api/group.ts';
import { parsePercent } from '../api/percent.ts';
import { clusterRightsizePolicySpec, rightsizePolicySpec } from '../api/policy.ts';
import type { PROFILES } from '../api/risk.ts';
import type { Policy } from '../controller/ports.ts';
import { containerSettings } from '../controller/settings.ts';
import { BadInput, reading } from './failure.ts';

export interface PolicyFlags {
  readonly policy?: string;
  readonly profile?: (typeof PROFILES)[number];
  readonly cpuRisk?: string;
  readonly memoryRisk?: string;
  readonly confidence?: string;
  readonly window?: string;
}

const document = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.enum(['RightsizePolicy', 'ClusterRightsizePolicy']),
  metadata: z.object({ name: z.string().min(1), namespace: z.string().optional() }),
  spec: z.unknown(),
});

/** The policy that a report goes by: the file's, with what the flags say in place of its own. */
export interface GivenPolicy {
  readonly policy: Policy;
  /** Neither a file nor a flag: the cluster's own policies go before it. */
  readonly isDefault: boolean;
}

/** Throws BadInput that names the file or flag and the field. */
export function policyFromFlags(flags: PolicyFlags): GivenPolicy {
  checkFlags(flags);
  const given = flags.policy === undefined ? undefined : readPolicy(flags.policy);
  const spec = withFlags(given?.spec ?? rightsizePolicySpec.parse({}), flags);
  const policy: Policy = {
    kind: 'ClusterRightsizePolicy',
    namespace: undefined,
    name: given?.name ?? 'default',
    uid: '',
    generation: 1,
    createdSeconds: 0,
    annotations: {},
    spec: { ...spec, namespaceSelector: {} },
    status: undefined,
  };
  // Every number of the policy is read once, so that what is wrong is said before anything is done.
  reading(() => containerSettings(policy, 'main', []), flags.policy);
  const isDefault = Object.keys(flags).every((flag) => !POLICY_FLAGS.has(flag));
  return { policy, isDefault };
}

/** A profile of a flag stands for itself: numbers that the file states beside its own profile do not go with it. */
function withFlags(spec: Policy['spec'], flags: PolicyFlags): Policy['spec'] {
  const { riskTolerance, history } = spec;
  const { profile } = flags;
  const stated = profile === undefined ? riskTolerance : { profile, cpu: {}, memory: {} };
  return {
    ...spec,
    riskTolerance: {
      profile: stated.profile,
      cpu: risk('maxTimeOverRequest', flags.cpuRisk, stated.cpu),
      memory: risk('maxPodDaysOverLimit', flags.memoryRisk, stated.memory),
      confidence: flags.confidence ?? riskTolerance.confidence,
    },
    history: { ...history, window: flags.window ?? history.window },
  };
}

const POLICY_FLAGS = new Set([
  'policy',
  'profile',
  'cpuRisk',
  'memoryRisk',
  'confidence',
  'window',
]);

function risk<K extends string>(
  field: K,
  flag: string | undefined,
  own: Partial<Record<K, string | undefined>> | undefined,
): Partial<Record<K, string>> {
  const value = flag ?? own?.[field];
  return value === undefined ? {} : ({ [field]: value } as Record<K, string>);
}

function checkFlags({ cpuRisk, memoryRisk, confidence, window }: PolicyFlags): void {
  percentFlag('--cpu-risk', cpuRisk, [0.1, 50]);
  percentFlag('--memory-risk', memoryRisk, [0.01, 50]);
  percentFlag('--confidence', confidence, [50, 99]);
  if (window === undefined) return;
  const seconds = reading(() => parseDuration(window), '--window');
  if (seconds < parseDuration('1d') || seconds > parseDuration('90d')) {
    throw new BadInput(`--window: "${window}" is not from 1d to 90d`);
  }
}

function percentFlag(
  flag: string,
  text: string | undefined,
  [from, to]: readonly [number, number],
): void {
  if (text === undefined) return;
  const share = reading(() => parsePercent(text), flag);
  if (share * 100 < from || share * 100 > to) {
    throw new BadInput(`${flag}: "${text}" is not from ${from}% to ${to}%`);
  }
}

function readPolicy(file: string): Pick<Policy, 'name' | 'spec'> {
  const raw = reading(() => parse(readFileSync(file, 'utf8')) as unknown, file);
  const policy = checked(document, raw, { file, at: [] });
  const schema =
    policy.kind === 'RightsizePolicy' ? rightsizePolicySpec : clusterRightsizePolicySpec;
  return {
    name: policy.metadata.name,
    spec: checked(schema, policy.spec, { file, at: ['spec'] }),
  };
}

function checked<T extends z.ZodType>(
  schema: T,
  value: unknown,
  { file, at }: { readonly file: string; readonly at: readonly string[] },
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [...at, ...(issue?.path ?? [])].join('.');
  const what =
    path === ''
      ? 'expected a RightsizePolicy or ClusterRightsizePolicy, with apiVersion, kind, metadata and spec'
      : `${path}: ${issue?.message ?? 'invalid'}`;
  throw new BadInput(`${file}: ${what}`);
}
