import { isDeepStrictEqual } from 'node:util';
import type { ContainerOverride } from '../api/policy.ts';
import type { Policy } from '../controller/ports.ts';
import { containerSettings } from '../controller/settings.ts';
import type { ContainerSettings, ResourceSettings } from '../recommend/settings.ts';
import { RESOURCES } from '../recommend/usage.ts';
import { policyFromFlags } from './policyflags.ts';

const HOUR_SECONDS = 3600;
const EVERY_NAME = /^\*+$/;

/** What the policy says of every container; undefined where it ignores them all. Entries for some names are left out. */
export function settingsOfAll(policy: Policy): ContainerSettings | undefined {
  const containers = (policy.spec.containers ?? []).filter(({ name }) => EVERY_NAME.test(name));
  return containerSettings({ ...policy, spec: { ...policy.spec, containers } }, 'any', []);
}

interface ReplayedPolicy {
  readonly halfLifeHours: number;
  /** The source knows containers by name, and leaves out those that a policy ignores. */
  readonly knowsContainers: boolean;
}

/**
 * One sentence on the fields of the policies that would size otherwise than is replayed; none where there is no such
 * field. The half-life is one of them where it is not the one that is replayed.
 */
export function notReplayed(
  policies: readonly Policy[],
  replayed: ReplayedPolicy,
): readonly string[] {
  const fields = new Set(policies.flatMap((policy) => fieldsOf(policy, replayed)));
  if (fields.size === 0) return [];
  const whose = policies.length === 1 ? 'the policy' : 'the policies';
  return [`not replayed from ${whose}: ${[...fields].sort().join(', ')}`];
}

function fieldsOf(policy: Policy, replayed: ReplayedPolicy): readonly string[] {
  const own = settingsOfAll(policy);
  const usual = policyFromFlags({}).policy;
  const standard = settingsOfAll(usual);
  if (own === undefined || standard === undefined) return [];
  const { spec } = policy;
  const { changes } = usual.spec;
  const differs: Readonly<Record<string, boolean>> = {
    bounds: isOther([own, standard], ({ bounds }) => bounds),
    'changes.decrease': !isDeepStrictEqual(spec.changes.decrease, changes.decrease),
    'changes.increase': !isDeepStrictEqual(spec.changes.increase, changes.increase),
    'changes.minimum': own.minimumChange !== standard.minimumChange,
    'changes.windows': (spec.changes.windows ?? []).length > 0,
    containers: (spec.containers ?? []).some((entry) => isUnread(entry, replayed)),
    guardrails: 'guardrails' in spec && Object.keys(spec.guardrails ?? {}).length > 0,
    'history.halfLife': own.halfLifeSeconds !== replayed.halfLifeHours * HOUR_SECONDS,
    'history.minimum': own.minimumSeconds !== standard.minimumSeconds,
    'history.window': own.windowSeconds !== standard.windowSeconds,
    limits: isOther([own, standard], ({ limit }) => limit),
  };
  return Object.keys(differs).filter((field) => differs[field]);
}

function isOther(
  [a, b]: readonly [ContainerSettings, ContainerSettings],
  part: (settings: ResourceSettings) => unknown,
): boolean {
  return RESOURCES.some(
    (resource) => !isDeepStrictEqual(part(a.resources[resource]), part(b.resources[resource])),
  );
}

function isUnread({ name, mode }: ContainerOverride, { knowsContainers }: ReplayedPolicy): boolean {
  return !EVERY_NAME.test(name) && !(knowsContainers && mode === 'Ignore');
}
