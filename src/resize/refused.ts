import { RESOURCES } from '../recommend/usage.ts';
import { lowered, type ContainerChange, type Lane } from './changes.ts';
import { runningSizes, sameSizes, type PodState } from './pod.ts';

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

/**
 * What a pod asks for and its node can never give, once the kubelet has looked at it. The pod says so only until
 * something else is asked for in it.
 */
export function refusedByNode(pod: PodState): Refusal | undefined {
  const { uid: podUid, resize, generation, observedGeneration } = pod;
  if (resize.state !== 'Infeasible' || observedGeneration < generation) return undefined;
  const containers = pod.containers
    .map((container) => ({
      name: container.name,
      from: runningSizes(container),
      to: container.spec,
    }))
    .filter(({ from, to }) => !sameSizes(from, to));
  if (containers.length === 0) return undefined;
  const isRaise = containers.every((change) => lowered(change).length === 0);
  const { message } = resize;
  return { podUid, lane: isRaise ? 'Raise' : 'Savings', containers, reason: 'Infeasible', message };
}

/** Whether a pod runs what was refused: where Kubernetes tells no generation, an older refusal may seem one of it. */
export function isHad({ podUid, containers }: Refusal, pods: readonly PodState[]): boolean {
  const own = pods.find(({ uid }) => uid === podUid)?.containers ?? [];
  return containers.every(({ name, to }) =>
    own.some(({ name: of, actual }) => of === name && actual && sameSizes(actual, to)),
  );
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
