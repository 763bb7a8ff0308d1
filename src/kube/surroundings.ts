import type {
  Autoscaler,
  LimitRange,
  Namespace,
  Node,
  ResourceQuota,
} from '../controller/ports.ts';
import { RESOURCES, type Amounts, type Resource } from '../recommend/usage.ts';
import { amountsAt } from './containers.ts';
import { listAt, objectAt, requiredText, textAt, textsAt, type Json } from './json.ts';
import { identityOf } from './metadata.ts';

/** Projections of what bounds a workload from outside. All throw on a malformed field. */

export function projectLimitRange(raw: Json): LimitRange {
  const items = listAt(objectAt(raw, 'spec'), 'limits').flatMap(limitRangeItem);
  return { ...namedIn(raw), items };
}

function limitRangeItem(raw: Json): LimitRange['items'] {
  const type = textAt(raw, 'type');
  if (type !== 'Container' && type !== 'Pod') return [];
  const item: LimitRange['items'][number] = {
    type,
    min: amountsAt(raw, 'min'),
    max: amountsAt(raw, 'max'),
    default: amountsAt(raw, 'default'),
    defaultRequest: amountsAt(raw, 'defaultRequest'),
    maxLimitRequestRatio: ratiosOf(raw),
  };
  return [item];
}

/** Ratios are written as quantities; rounded up to whole ones for memory would be wrong, so both are read as CPU. */
function ratiosOf(raw: Json): Amounts {
  const { cpu, memory } = objectAt(raw, 'maxLimitRequestRatio');
  const asCpu = (ratio: unknown): number | undefined =>
    amountsAt({ list: { cpu: ratio } }, 'list').cpu;
  const [cpuRatio, memoryRatio] = [asCpu(cpu), asCpu(memory)];
  return {
    ...(cpuRatio === undefined ? {} : { cpu: cpuRatio }),
    ...(memoryRatio === undefined ? {} : { memory: memoryRatio }),
  };
}

/** Quotas with scopes count too: a limit that is stated where none need be does no harm. */
export function projectResourceQuota(raw: Json): ResourceQuota {
  const hard = objectAt(raw, 'spec', 'hard');
  return {
    ...namedIn(raw),
    limited: RESOURCES.filter((resource) => `limits.${resource}` in hard),
  };
}

function namedIn(raw: Json): Pick<ResourceQuota, 'namespace' | 'name'> {
  const { namespace, name } = identityOf(raw);
  return { namespace, name };
}

/** Cordoned nodes are not schedulable; one that is not ready for a moment stays, as its size is still there. */
export function projectNode(raw: Json): Node {
  return {
    name: requiredText(objectAt(raw, 'metadata'), 'name'),
    allocatable: amountsAt(objectAt(raw, 'status'), 'allocatable'),
    schedulable: objectAt(raw, 'spec')['unschedulable'] !== true,
  };
}

export function projectNamespace(raw: Json): Namespace {
  const metadata = objectAt(raw, 'metadata');
  return {
    name: requiredText(metadata, 'name'),
    labels: textsAt(metadata, 'labels'),
    annotations: textsAt(metadata, 'annotations'),
  };
}

/** Of an autoscaling/v2 object. Utilisation and AverageValue targets both count: both scale on what we size by. */
export function projectAutoscaler(raw: Json): Autoscaler {
  const { namespace, name } = identityOf(raw);
  const spec = objectAt(raw, 'spec');
  const target = objectAt(spec, 'scaleTargetRef');
  const scaledOn = new Set(listAt(spec, 'metrics').map(metricResource));
  return {
    namespace,
    name,
    target: { kind: requiredText(target, 'kind'), name: requiredText(target, 'name') },
    resources: RESOURCES.filter((resource) => scaledOn.has(resource)),
  };
}

function metricResource(metric: Json): Resource | undefined {
  const of = { Resource: 'resource', ContainerResource: 'containerResource' }[
    textAt(metric, 'type') ?? ''
  ];
  const name = of === undefined ? undefined : textAt(objectAt(metric, of), 'name');
  return RESOURCES.find((resource) => resource === name);
}
