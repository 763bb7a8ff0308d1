import { GROUP } from '../api/group.ts';
import { parseRfc3339 } from '../api/timestamp.ts';
import { namespaceOf } from './gather.ts';
import type { ClusterView, Policy, Workload } from './ports.ts';

/** That nothing is to be changed. */
export interface Suspension {
  /** Who says so and where, such as `the RightsizePolicy web: suspend is true`. */
  readonly by: string;
  /** When it runs out by itself, in unix seconds; undefined where it does not. */
  readonly untilSeconds: number | undefined;
}

/** Annotation of a workload, a namespace or a policy. */
export const SUSPEND = `${GROUP}/suspend`;
const SUSPEND_UNTIL = `${GROUP}/suspend-until`;
const LONGEST_VALUE = 64;

interface Annotated {
  readonly what: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The first suspension that holds now: the policy's own, then annotations of the policy, the namespace and the
 * workload. What an annotation says and nobody can read counts as suspended, since somebody meant to.
 */
export function suspensionOf(
  view: ClusterView,
  workload: Workload,
  policy: Policy,
  nowSeconds: number,
): Suspension | undefined {
  const { namespace, kind, name } = workload.ref;
  const policyText = `${policy.kind} ${policy.name}`;
  if (policy.spec.suspend) {
    return { by: `the ${policyText}: suspend is true`, untilSeconds: undefined };
  }
  const annotated: readonly Annotated[] = [
    { what: policyText, annotations: policy.annotations },
    { what: `namespace ${namespace}`, annotations: namespaceOf(view, namespace).annotations },
    { what: `${kind} ${name}`, annotations: workload.annotations },
  ];
  return annotated.flatMap((each) => suspensionsBy(each, nowSeconds))[0];
}

function suspensionsBy(
  { what, annotations }: Annotated,
  nowSeconds: number,
): readonly Suspension[] {
  return [
    ...flagSuspension(what, annotations[SUSPEND]),
    ...timedSuspension(what, annotations[SUSPEND_UNTIL], nowSeconds),
  ];
}

function flagSuspension(what: string, value: string | undefined): readonly Suspension[] {
  if (value === undefined || value === 'false') return [];
  const hint = value === 'true' ? '' : ', which counts as "true"; write "true" or "false"';
  return [
    {
      by: `the ${what}: ${SUSPEND} says ${quoted(value)}${hint}`,
      untilSeconds: undefined,
    },
  ];
}

function timedSuspension(
  what: string,
  value: string | undefined,
  nowSeconds: number,
): readonly Suspension[] {
  if (value === undefined) return [];
  const untilSeconds = parseRfc3339(value);
  if (untilSeconds !== undefined && untilSeconds <= nowSeconds) return [];
  const hint =
    untilSeconds === undefined
      ? ', which is no time and counts as one that never comes; write one such as "2027-01-15T06:00:00Z"'
      : '';
  return [{ by: `the ${what}: ${SUSPEND_UNTIL} says ${quoted(value)}${hint}`, untilSeconds }];
}

function quoted(value: string): string {
  return JSON.stringify(
    value.length <= LONGEST_VALUE ? value : `${value.slice(0, LONGEST_VALUE)}…`,
  );
}
