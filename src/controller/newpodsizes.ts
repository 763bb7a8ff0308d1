import type { AdmittedContainer } from '../api/recommendation.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import type { SizedContainer } from '../resize/newpods.ts';
import type { TemplateContainer } from '../resize/template.ts';
import { withDefaults } from './gather.ts';
import type { ClusterView, Workload } from './ports.ts';
import { knownAmounts } from './status.ts';

/** Containers of the template that run as long as the pod does, as the API server would make them. */
export function templateSizes(
  { ref, containers }: Workload,
  view: ClusterView,
): readonly TemplateContainer[] {
  const limitRanges = view.limitRanges(ref.namespace).flatMap(({ items }) => items);
  return containers.map(({ name, kind, requests, limits }) => ({
    name,
    kind,
    sizes: withDefaults({ requests, limits }, limitRanges),
  }));
}

/** What admission gives, in cores and bytes; an amount that is left out says nothing. */
export function admittedSizes(given: readonly AdmittedContainer[]): readonly SizedContainer[] {
  return given.map(({ name, requests, limits }) => ({
    name,
    sizes: { requests: knownAmounts(requests), limits: knownAmounts(limits) },
  }));
}

/**
 * What a new pod comes with: a resource that is given has what is given and nothing else, any other what the template
 * says.
 */
export function newPodSizes(
  template: readonly SizedContainer[],
  given: readonly AdmittedContainer[],
): readonly SizedContainer[] {
  const admitted = admittedSizes(given);
  const injected = admitted.filter(({ name }) => template.every((each) => each.name !== name));
  return [...template, ...injected].map(({ name, sizes }) => {
    const own = admitted.find((each) => each.name === name)?.sizes ?? NOTHING;
    const isGiven = (resource: Resource) =>
      (own.requests[resource] ?? own.limits[resource]) !== undefined;
    const of = (field: 'requests' | 'limits'): Amounts =>
      Object.fromEntries(
        RESOURCES.flatMap((resource) => {
          const amount = (isGiven(resource) ? own : sizes)[field][resource];
          return amount === undefined ? [] : [[resource, amount]];
        }),
      );
    return { name, sizes: { requests: of('requests'), limits: of('limits') } };
  });
}

const NOTHING: Sizes = { requests: {}, limits: {} };
