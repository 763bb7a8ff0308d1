import { RESOURCES } from '../recommend/usage.ts';
import type { ContainerChange, Lane } from './changes.ts';

/** A patch of a pod that the API server or the node refused; forgotten when the pod or the patch is another. */
export interface Refusal {
  readonly podUid: string;
  readonly lane: Lane;
  readonly containers: readonly Change[];
  readonly reason: 'Infeasible' | 'DryRunRefused';
  readonly message: string;
}

type Change = Pick<ContainerChange, 'name' | 'to'>;

type Asked = Pick<Refusal, 'podUid' | 'lane' | 'containers'>;

/** The same for the same change of a pod. */
export function patchKey(containers: readonly Change[]): string {
  return JSON.stringify(
    containers.map(({ name, to: { requests, limits } }) => [
      name,
      [requests.cpu, requests.memory, limits.cpu, limits.memory],
    ]),
  );
}

/**
 * Whether a patch is refused with another of the same pod: where it is the same, and where both raise and it asks for no
 * less. What is asked for moves with what is used, and would else be tried anew at each look.
 */
export function isRefusedWith(refused: Asked, asked: Asked): boolean {
  if (asked.podUid !== refused.podUid) return false;
  if (patchKey(asked.containers) === patchKey(refused.containers)) return true;
  return isRaise(refused) && isRaise(asked) && asksNoLess(asked.containers, refused.containers);
}

function isRaise({ lane }: Asked): boolean {
  return lane === 'Rescue' || lane === 'Raise';
}

function asksNoLess(asked: readonly Change[], refused: readonly Change[]): boolean {
  return refused.every(({ name, to }) => {
    const own = asked.find((each) => each.name === name)?.to;
    return (
      own !== undefined &&
      (['requests', 'limits'] as const).every((field) =>
        RESOURCES.every((resource) => (own[field][resource] ?? 0) >= (to[field][resource] ?? 0)),
      )
    );
  });
}
