import type {
  Autoscaler,
  AutoscalerMetric,
  LimitRange,
  Namespace,
  Node,
  ResourceQuota,
  VerticalAutoscaler,
} from '../controller/ports.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { amountsAt } from './containers.ts';
import { listAt, numberAt, objectAt, requiredText, textAt, textsAt, type Json } from './json.ts';
import { identityOf } from './metadata.ts';
import { taintsOf } from './placement.ts';

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
  return eachResource((resource) => asCpu(resource === 'cpu' ? cpu : memory));
}

/** Quotas with scopes count as to what must be stated: a limit that is stated where none need be does no harm. */
export function projectResourceQuota(raw: Json): ResourceQuota {
  const spec = objectAt(raw, 'spec');
  const hard = objectAt(spec, 'hard');
  const isScoped = (spec['scopes'] ?? spec['scopeSelector'] ?? undefined) !== undefined;
  return {
    ...namedIn(raw),
    limited: RESOURCES.filter((resource) => `limits.${resource}` in hard),
    left: isScoped ? { requests: {}, limits: {} } : leftOf(objectAt(raw, 'status')),
  };
}

/** Of a quota's status, since `used` and `hard` are of one moment there. Nothing before its controller has counted. */
function leftOf(status: Json): Sizes {
  const hard = objectAt(status, 'hard');
  const used = objectAt(status, 'used');
  const under = (prefix: string): Amounts => {
    const pick = (from: Json): Json => ({
      cpu: from[`${prefix}cpu`],
      memory: from[`${prefix}memory`],
    });
    const list = { hard: pick(hard), used: pick(used) };
    return remainder(amountsAt(list, 'hard'), amountsAt(list, 'used'));
  };
  return { requests: smaller(under(''), under('requests.')), limits: under('limits.') };
}

function remainder(hard: Amounts, used: Amounts): Amounts {
  return eachResource((resource) => {
    const [most, taken = 0] = [hard[resource], used[resource]];
    return most === undefined ? undefined : Math.max(0, withoutNoise(most - taken));
  });
}

/** 0.3 less 0.1 leaves 0.2, not a little less: nanocores are the finest that a quantity can say. */
function withoutNoise(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}

/** Both bind: `cpu` and `requests.cpu` mean the same. */
function smaller(a: Amounts, b: Amounts): Amounts {
  return eachResource((resource) => {
    const both = [a[resource], b[resource]].filter((amount) => amount !== undefined);
    return both.length === 0 ? undefined : Math.min(...both);
  });
}

function eachResource(of: (resource: Resource) => number | undefined): Amounts {
  const [cpu, memory] = [of('cpu'), of('memory')];
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

function namedIn(raw: Json): { readonly namespace: string; readonly name: string } {
  const { namespace, name } = identityOf(raw);
  return { namespace, name };
}

/** Cordoned nodes are not schedulable; one that is not ready for a moment stays, as its size is still there. */
export function projectNode(raw: Json): Node {
  const metadata = objectAt(raw, 'metadata');
  const spec = objectAt(raw, 'spec');
  return {
    name: requiredText(metadata, 'name'),
    allocatable: amountsAt(objectAt(raw, 'status'), 'allocatable'),
    schedulable: spec['unschedulable'] !== true,
    labels: textsAt(metadata, 'labels'),
    taints: taintsOf(spec),
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
  const spec = objectAt(raw, 'spec');
  const metrics = listAt(spec, 'metrics').flatMap(metricOf);
  return {
    ...namedIn(raw),
    target: targetAt(spec, 'scaleTargetRef'),
    resources: RESOURCES.filter((resource) => metrics.some((each) => each.resource === resource)),
    metrics,
  };
}

function targetAt(spec: Json, field: string): Autoscaler['target'] {
  const target = objectAt(spec, field);
  return { kind: requiredText(target, 'kind'), name: requiredText(target, 'name') };
}

function metricOf(metric: Json): readonly AutoscalerMetric[] {
  const of = { Resource: 'resource', ContainerResource: 'containerResource' }[
    textAt(metric, 'type') ?? ''
  ];
  if (of === undefined) return [];
  const source = objectAt(metric, of);
  const name = textAt(source, 'name');
  const resource = RESOURCES.find((each) => each === name);
  if (resource === undefined) return [];
  const percent = numberAt(objectAt(source, 'target'), 'averageUtilization');
  return [
    {
      resource,
      container: textAt(source, 'container'),
      utilization: percent === undefined ? undefined : percent / 100,
    },
  ];
}

/** Of an autoscaling.k8s.io/v1 object. Without an updateMode it changes pods: Auto is what is filled in. */
export function projectVerticalAutoscaler(raw: Json): VerticalAutoscaler {
  const spec = objectAt(raw, 'spec');
  return {
    ...namedIn(raw),
    target: targetAt(spec, 'targetRef'),
    updates: textAt(objectAt(spec, 'updatePolicy'), 'updateMode') !== 'Off',
  };
}
