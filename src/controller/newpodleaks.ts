import type { AdmittedContainer } from '../api/recommendation.ts';
import type { Sizes } from '../recommend/usage.ts';
import { isOfNewPods, type ChangeRecord } from '../resize/changes.ts';
import { leakCeiling } from '../resize/step.ts';
import { admittedSizes, templateSizes } from './newpodsizes.ts';
import type { ClusterView, Workload } from './ports.ts';
import { quantities } from './status.ts';

export interface LeakInput {
  readonly view: ClusterView;
  readonly records: readonly ChangeRecord[];
  /** What new pods got until now. */
  readonly given: readonly AdmittedContainer[];
  /** By container: since when its memory is suspected to leak. */
  readonly leaks: ReadonlyMap<string, number>;
}

/**
 * A suspected leak gets no more in new pods than in those that run: a quarter above what it had when it came under
 * suspicion. Where nobody knows that any more, it gets no more than until now.
 */
export function withinLeaks(
  workload: Workload,
  admission: readonly AdmittedContainer[],
  input: LeakInput,
): { readonly admission: readonly AdmittedContainer[]; readonly leaking: readonly string[] } {
  const capped = admission.map((container) => {
    const since = input.leaks.get(container.name);
    return since === undefined
      ? container
      : cappedAt(container, mostOf(workload, container.name, { ...input, since }));
  });
  const isOther = (each: AdmittedContainer, index: number) => each !== admission[index];
  return { admission: capped, leaking: capped.filter(isOther).map(({ name }) => name) };
}

type Most = (field: keyof Sizes) => number;

function mostOf(
  workload: Workload,
  name: string,
  { view, records, given, since }: LeakInput & { readonly since: number },
): Most {
  const had = sizesAtBegin(name, records, since) ?? sizesOfOld(workload, name, { view, since });
  const before = admittedSizes(given).find((each) => each.name === name)?.sizes;
  const template = templateSizes(workload, view).find((each) => each.name === name)?.sizes;
  return (field) => {
    const grown = had?.[field].memory;
    if (grown !== undefined) return leakCeiling(grown);
    const plain = template?.[field].memory;
    return before?.[field].memory ?? (plain === undefined ? Infinity : leakCeiling(plain));
  };
}

/** Before it was changed for the first time under suspicion. */
function sizesAtBegin(
  name: string,
  records: readonly ChangeRecord[],
  since: number,
): Sizes | undefined {
  return records
    .filter((record) => !isOfNewPods(record) && record.atSeconds >= since)
    .toSorted((a, b) => a.atSeconds - b.atSeconds)
    .flatMap(({ containers }) => containers)
    .find((each) => each.name === name && changesMemory(each))?.from;
}

function changesMemory({ from, to }: ChangeRecord['containers'][number]): boolean {
  return from.requests.memory !== to.requests.memory || from.limits.memory !== to.limits.memory;
}

/** The largest of the pods that were there before. */
function sizesOfOld(
  { ref }: Workload,
  name: string,
  { view, since }: Pick<LeakInput, 'view'> & { readonly since: number },
): Sizes | undefined {
  return view
    .pods(ref)
    .filter(({ createdSeconds, hasEnded }) => !hasEnded && createdSeconds <= since)
    .flatMap(({ containers }) => containers.filter((each) => each.name === name))
    .map(({ actual, ...spec }): Sizes => actual ?? spec)
    .toSorted((a, b) => (b.limits.memory ?? Infinity) - (a.limits.memory ?? Infinity))[0];
}

function cappedAt(container: AdmittedContainer, most: Most): AdmittedContainer {
  const [{ sizes } = { sizes: NOTHING }] = admittedSizes([container]);
  const cut = (field: keyof Sizes): number | undefined => {
    const amount = sizes[field].memory;
    return amount === undefined || amount <= most(field) ? undefined : most(field);
  };
  const [request, limit] = [cut('requests'), cut('limits')];
  if (request === undefined && limit === undefined) return container;
  const asked = request ?? sizes.requests.memory ?? 0;
  return {
    ...container,
    ...(request !== undefined && {
      requests: { ...container.requests, ...quantities({ memory: request }) },
    }),
    ...(limit !== undefined && {
      limits: { ...container.limits, ...quantities({ memory: Math.max(limit, asked) }) },
    }),
  };
}

const NOTHING: Sizes = { requests: {}, limits: {} };
