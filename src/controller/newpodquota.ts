import type { AdmittedContainer } from '../api/recommendation.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import type { SizedContainer } from '../resize/newpods.ts';
import { FLOAT_ERROR, sumOf, words, type Room } from '../resize/room.ts';
import { roomOf } from './actingfacts.ts';
import { newPodSizes, templateSizes } from './newpodsizes.ts';
import type { ClusterView, Pod, Workload } from './ports.ts';

/** What new pods get, and what of it the quotas of the namespace keep from them. */
export interface WithinQuota {
  readonly admission: readonly AdmittedContainer[];
  /** A sentence; undefined where all fits. */
  readonly message: string | undefined;
}

/**
 * A pod that is refused for what was added to it would have come as its template says. So a resource that takes more than
 * the template does is left to that where the quotas have no room for it. What takes less than the template is given
 * however little is left.
 */
export function withinQuota(
  workload: Workload,
  admission: readonly AdmittedContainer[],
  view: ClusterView,
): WithinQuota {
  if (admission.length === 0) return { admission, message: undefined };
  const template = templateSizes(workload, view);
  const plain = ofPod(template);
  const sized = ofPod(newPodSizes(template, admission));
  const room = roomForOne(workload, view);
  const over = RESOURCES.flatMap((resource) => excess(resource, { plain, sized, room }) ?? []);
  if (over.length === 0) return { admission, message: undefined };
  const left = over.map(({ resource }) => resource);
  return {
    admission: admission.flatMap((each) => without(each, left)),
    message: over.map(({ says }) => says).join(' '),
  };
}

function ofPod(containers: readonly SizedContainer[]): Sizes {
  return sumOf(containers.map(({ sizes }) => sizes));
}

/**
 * What the next pod may take. While none is waited for, it comes in the place of one that goes, which gives back what
 * it has; what is on its way out counts in a quota until it is gone.
 */
function roomForOne(workload: Workload, view: ClusterView): Room {
  const pods = view.pods(workload.ref).filter(({ hasEnded }) => !hasEnded);
  const [there, going] = [
    pods.filter(({ isTerminating }) => !isTerminating),
    pods.filter(({ isTerminating }) => isTerminating),
  ];
  const missing = Math.max(0, workload.replicas - there.length);
  const isAwaited = missing > 0 || workload.isRollingOut || there.length === 0;
  const back = isAwaited ? sumOf(going.map(sizesOfPod)) : leastOf(there.map(sizesOfPod));
  const left = roomOf(view, workload.ref.namespace);
  const each = (field: keyof Sizes): Amounts =>
    Object.fromEntries(
      RESOURCES.flatMap((resource) => {
        const amount = left[field][resource];
        const returned = back[field][resource] ?? 0;
        return amount === undefined ? [] : [[resource, (amount + returned) / Math.max(1, missing)]];
      }),
    );
  return { requests: each('requests'), limits: each('limits') };
}

function sizesOfPod({ containers }: Pod): Sizes {
  return sumOf(containers.map(({ actual, ...spec }) => actual ?? spec));
}

function leastOf(all: readonly Sizes[]): Sizes {
  const of = (field: keyof Sizes): Amounts =>
    Object.fromEntries(
      RESOURCES.map((resource) => [
        resource,
        Math.min(...all.map((sizes) => sizes[field][resource] ?? 0)),
      ]),
    );
  return { requests: of('requests'), limits: of('limits') };
}

interface Compared {
  readonly plain: Sizes;
  readonly sized: Sizes;
  readonly room: Room;
}

function excess(
  resource: Resource,
  { plain, sized, room }: Compared,
): { readonly resource: Resource; readonly says: string } | undefined {
  for (const field of ['requests', 'limits'] as const) {
    const [amount = 0, before = 0] = [sized[field][resource], plain[field][resource]];
    const left = room?.[field][resource] ?? Infinity;
    if (amount <= before || amount <= left * FLOAT_ERROR) continue;
    const says =
      `New pods get the template's ${resource}: with what is recommended the ${resource} ${field} of one come to ` +
      `${words(resource, amount)}, and the quota has ${words(resource, left)} for it.`;
    return { resource, says };
  }
  return undefined;
}

function without(
  { name, requests, limits }: AdmittedContainer,
  left: readonly Resource[],
): readonly AdmittedContainer[] {
  const kept = (amounts: AdmittedContainer['requests']) => {
    const entries = Object.entries(amounts ?? {}).filter(
      ([resource]) => !left.some((each) => each === resource),
    );
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  const [own, most] = [kept(requests), kept(limits)];
  if (own === undefined && most === undefined) return [];
  return [{ name, ...(own && { requests: own }), ...(most && { limits: most }) }];
}
