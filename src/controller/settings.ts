import type { ContainerOverride, Guardrails, LimitsSpec, Mode } from '../api/policy.ts';
import { parseDuration } from '../api/duration.ts';
import { parsePercent } from '../api/percent.ts';
import { parseCpu, parseMemory } from '../api/quantity.ts';
import type { ContainerRisk, PROFILES } from '../api/risk.ts';
import type { ContainerSettings, LimitRule, Range } from '../recommend/settings.ts';
import type { Resource } from '../recommend/usage.ts';
import type { Policy } from './ports.ts';

/** The risk that a profile stands for, as shares. */
const PROFILE_RISKS: Readonly<
  Record<(typeof PROFILES)[number], Readonly<Record<Resource, number>>>
> = {
  Economy: { cpu: 0.1, memory: 0.05 },
  Balanced: { cpu: 0.05, memory: 0.01 },
  Careful: { cpu: 0.02, memory: 0.005 },
  Critical: { cpu: 0.01, memory: 0.002 },
};

type AmountsSpec = Readonly<Partial<Record<Resource, string | number | undefined>>> | undefined;

interface BoundsSpec {
  readonly minAllowed?: AmountsSpec;
  readonly maxAllowed?: AmountsSpec;
}

/**
 * What a policy says of one container, in numbers, within the guardrails of the cluster policies that reach its
 * namespace. Undefined when the policy ignores the container.
 */
export function containerSettings(
  policy: Policy,
  container: string,
  guardrails: readonly Guardrails[],
): ContainerSettings | undefined {
  const { spec } = policy;
  const override = overrideOf(policy, container);
  if (override?.mode === 'Ignore') return undefined;
  const binding = policy.kind === 'RightsizePolicy' ? guardrails : [];
  const of = (resource: Resource) => ({
    risk: Math.min(riskOf(policy, override, resource), ...maxRisks(binding, resource)),
    limit: limitRule(override?.limits?.[resource] ?? spec.limits[resource]),
    bounds: boundsOf(spec.bounds, override?.bounds, resource),
    guardrails: strictest(binding.map((guardrail) => range(guardrail, resource))),
    mayIncrease: spec.changes.increase.allowed.includes(resource),
    mayDecrease: spec.changes.decrease.allowed.includes(resource),
  });
  return {
    resources: { cpu: of('cpu'), memory: of('memory') },
    confidence: parsePercent(spec.riskTolerance.confidence),
    cadence: spec.cadence,
    windowSeconds: parseDuration(spec.history.window),
    minimumSeconds: parseDuration(spec.history.minimum),
    halfLifeSeconds: parseDuration(spec.history.halfLife),
    minimumChange: parsePercent(spec.changes.minimum),
  };
}

/** The mode of a policy where the guardrails of the cluster policies allow it, else Recommend. */
export function effectiveMode(policy: Policy, guardrails: readonly Guardrails[]): Mode {
  return withinGuardrails(policy.spec.mode, policy, guardrails);
}

/** The same for one container, which may have a mode of its own; one that the policy ignores is only looked at. */
export function containerMode(
  policy: Policy,
  container: string,
  guardrails: readonly Guardrails[],
): Mode {
  const own = overrideOf(policy, container)?.mode ?? policy.spec.mode;
  return own === 'Ignore' ? 'Recommend' : withinGuardrails(own, policy, guardrails);
}

function overrideOf({ spec }: Policy, container: string): ContainerOverride | undefined {
  return spec.containers?.find(({ name }) => globMatches(name, container));
}

function withinGuardrails(mode: Mode, policy: Policy, guardrails: readonly Guardrails[]): Mode {
  if (policy.kind === 'ClusterRightsizePolicy') return mode;
  return guardrails.every(({ modes }) => modes === undefined || modes.includes(mode))
    ? mode
    : 'Recommend';
}

/**
 * A container name against a pattern in which * stands for any characters. Part by part and without going back, since
 * a tenant writes the pattern: a regular expression of many stars would take for ever.
 */
export function globMatches(pattern: string, name: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - tail.length >= at && name.endsWith(tail);
}

function riskOf(
  policy: Policy,
  override: ContainerOverride | undefined,
  resource: Resource,
): number {
  const { riskTolerance } = policy.spec;
  const own = override?.riskTolerance;
  const stated = statedRisk(own, resource);
  if (stated !== undefined) return stated;
  if (own?.profile !== undefined) return PROFILE_RISKS[own.profile][resource];
  return statedRisk(riskTolerance, resource) ?? PROFILE_RISKS[riskTolerance.profile][resource];
}

function statedRisk(
  risk: Pick<ContainerRisk, 'cpu' | 'memory'> | undefined,
  resource: Resource,
): number | undefined {
  const text =
    resource === 'cpu' ? risk?.cpu?.maxTimeOverRequest : risk?.memory?.maxPodDaysOverLimit;
  return text === undefined ? undefined : parsePercent(text);
}

function maxRisks(guardrails: readonly Guardrails[], resource: Resource): readonly number[] {
  return guardrails.flatMap(({ maxRisk }) => statedRisk(maxRisk, resource) ?? []);
}

function limitRule(spec: LimitsSpec['cpu']): LimitRule {
  if (spec.strategy !== 'Headroom') return { strategy: spec.strategy };
  return { strategy: 'Headroom', headroom: parsePercent(spec.headroom ?? '0%') };
}

function boundsOf(policy: BoundsSpec, override: BoundsSpec | undefined, resource: Resource): Range {
  const base = range(policy, resource);
  const own = range(override ?? {}, resource);
  return { min: own.min ?? base.min, max: own.max ?? base.max };
}

function range({ minAllowed, maxAllowed }: BoundsSpec, resource: Resource): Range {
  return { min: amount(minAllowed, resource), max: amount(maxAllowed, resource) };
}

function amount(amounts: AmountsSpec, resource: Resource): number | undefined {
  const text = amounts?.[resource];
  if (text === undefined) return undefined;
  return resource === 'cpu' ? parseCpu(text) : parseMemory(text);
}

function strictest(ranges: readonly Range[]): Range {
  const mins = ranges.flatMap(({ min }) => min ?? []);
  const maxes = ranges.flatMap(({ max }) => max ?? []);
  return {
    min: mins.length === 0 ? undefined : Math.max(...mins),
    max: maxes.length === 0 ? undefined : Math.min(...maxes),
  };
}
