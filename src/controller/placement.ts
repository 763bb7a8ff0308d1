/** Keeps pods away that do not tolerate it. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule' | 'NoExecute';
}

export interface Toleration {
  /** Undefined: of any taint. */
  readonly key: string | undefined;
  /** Undefined: whatever its value. */
  readonly value: string | undefined;
  /** Undefined: any. */
  readonly effect: string | undefined;
}

export interface NodeRequirement {
  /** A label, or `metadata.name`. */
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** On which nodes a pod may be, as far as it says so itself. */
export interface Placement {
  readonly tolerations: readonly Toleration[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** One of them must match in all of its parts; none: any node. */
  readonly terms: readonly (readonly NodeRequirement[])[];
}

export const ANYWHERE: Placement = { tolerations: [], nodeSelector: {}, terms: [] };

interface PlacedNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** Whether the scheduler would let such a pod onto the node, room apart. */
export function mayRunOn(
  { tolerations, nodeSelector, terms }: Placement,
  node: PlacedNode,
): boolean {
  const isTolerated = (taint: Taint) => tolerations.some((each) => tolerates(each, taint));
  const isSelected = Object.entries(nodeSelector).every(
    ([key, value]) => node.labels[key] === value,
  );
  const fits = (term: readonly NodeRequirement[]) =>
    term.length > 0 && term.every((each) => meets(node, each));
  return isSelected && node.taints.every(isTolerated) && (terms.length === 0 || terms.some(fits));
}

function tolerates({ key, value, effect }: Toleration, taint: Taint): boolean {
  return (
    (key === undefined || key === taint.key) &&
    (value === undefined || value === taint.value) &&
    (effect === undefined || effect === taint.effect)
  );
}

const OPERATORS: Readonly<
  Record<string, (value: string | undefined, values: readonly string[]) => boolean>
> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [least]) => Number(value) > Number(least),
  Lt: (value, [most]) => Number(value) < Number(most),
};

/** What is asked for in a way that is not known here is met by no node. */
function meets({ name, labels }: PlacedNode, { key, operator, values }: NodeRequirement): boolean {
  const value = key === 'metadata.name' ? name : labels[key];
  return OPERATORS[operator]?.(value, values) ?? false;
}
