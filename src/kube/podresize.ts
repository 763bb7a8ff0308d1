import { FIELD_MANAGER } from '../api/group.ts';
import type { Pod } from '../controller/ports.ts';
import { asJson, listAt, objectAt, requiredText, secondsAt, textAt, type Json } from './json.ts';

/**
 * Where a resize stands, by the kubelet's conditions PodResizePending and PodResizeInProgress. A pending one goes
 * before one that is under way, as it is the later wish; a failure goes before both.
 */
export function resizeOf(raw: Json): Pod['resize'] {
  const conditions = listAt(objectAt(raw, 'status'), 'conditions');
  const pending = conditions.find((each) => isTrue(each, 'PodResizePending'));
  const under = conditions.find((each) => isTrue(each, 'PodResizeInProgress'));
  if (under?.['reason'] === 'Error') return { state: 'Error', ...storyOf(raw, under) };
  if (pending !== undefined) {
    // The kubelet knows no third reason, and waits unless it says that waiting is of no use.
    const state = pending['reason'] === 'Infeasible' ? 'Infeasible' : 'Deferred';
    return { state, ...storyOf(raw, pending) };
  }
  return under === undefined ? { state: 'None' } : { state: 'InProgress', ...storyOf(raw, under) };
}

function isTrue({ type, status }: Json, want: string): boolean {
  return type === want && status === 'True';
}

function storyOf(
  raw: Json,
  condition: Json,
): { readonly message: string; readonly sinceSeconds: number } {
  return {
    message: textAt(condition, 'message') ?? '',
    sinceSeconds: secondsAt(condition, 'lastTransitionTime') ?? createdSecondsOf(raw),
  };
}

/** Zero where the object does not say. */
export function createdSecondsOf(raw: Json): number {
  return secondsAt(objectAt(raw, 'metadata'), 'creationTimestamp') ?? 0;
}

/**
 * The field manager that last resized the pod, unless that is us: by the entries of managedFields for the subresource.
 * Undefined also when nothing is left of what it stated.
 */
export function otherResizerOf(raw: Json): string | undefined {
  const resizers = listAt(objectAt(raw, 'metadata'), 'managedFields')
    .filter((entry) => textAt(entry, 'subresource') === 'resize' && statesSizes(entry))
    .map((entry) => ({
      manager: requiredText(entry, 'manager'),
      seconds: secondsAt(entry, 'time') ?? 0,
    }));
  // Times are whole seconds. In the same one as another's, what we did counts.
  const isOurs = (manager: string): number => (manager === FIELD_MANAGER ? 1 : 0);
  const [last] = resizers.toSorted(
    (a, b) => b.seconds - a.seconds || isOurs(b.manager) - isOurs(a.manager),
  );
  return last?.manager === FIELD_MANAGER ? undefined : last?.manager;
}

/** Keys of fieldsV1 are `f:containers`, then `k:{"name":"main"}`, then `f:resources`. */
function statesSizes(entry: Json): boolean {
  const spec = objectAt(entry, 'fieldsV1', 'f:spec');
  return ['f:containers', 'f:initContainers'].some((list) =>
    Object.values(objectAt(spec, list)).some((container) => {
      const resources = objectAt(asJson(container), 'f:resources');
      return 'f:requests' in resources || 'f:limits' in resources;
    }),
  );
}
