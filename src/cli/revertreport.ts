import { formatCpu, formatMemory } from '../api/quantity.ts';
import { workloadKey } from '../controller/ports.ts';
import type { PodRevert } from '../controller/revert.ts';
import { SUSPEND } from '../controller/suspension.ts';
import { RESOURCES, type Resource, type Sizes } from '../recommend/usage.ts';
import type { PatchedContainer } from '../resize/podplan.ts';
import type { PodOutcome } from './revertpods.ts';
import type { RevertResult, WorkloadResult } from './revertrun.ts';

const FORMATTED: Readonly<Record<Resource, (amount: number) => string>> = {
  cpu: formatCpu,
  memory: formatMemory,
};

/** What people read: a line per workload, and under it one per container, template and reason. */
export function revertText({ workloads, isDryRun }: RevertResult): string {
  return workloads
    .flatMap((result) => [
      workloadKey(result.plan.workload.ref),
      ...linesOf(result, isDryRun).map((line) => `  ${line}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(result: WorkloadResult, isDryRun: boolean): readonly string[] {
  const { plan, refusal, newPods } = result;
  return [
    ...(refusal === undefined ? [] : [`refused: ${refusal}`]),
    ...templateLines(result, isDryRun),
    ...plan.pods.flatMap((way) => podLines(way, result, isDryRun)),
    ...plan.leftAlone,
    ...(newPods === undefined ? [] : [newPods]),
  ];
}

function templateLines({ plan, template }: WorkloadResult, isDryRun: boolean): readonly string[] {
  if (!plan.givesBackTemplate) return [];
  if (typeof template === 'object') return [`template: not given back: ${template.message}`];
  const done = template === 'GivenBack' && !isDryRun;
  const verb = done ? 'given back' : 'to be given back';
  return [`template: ${verb}, and its controller replaces pods by it`];
}

function podLines(way: PodRevert, result: WorkloadResult, isDryRun: boolean): readonly string[] {
  const { pod, containers, needsNewPod } = way;
  const outcome = outcomeText(result.pods.get(pod.uid), isDryRun);
  return [
    ...containers.map((each) => `pod ${pod.name}: ${each.name}: ${changeText(each)}${outcome}`),
    ...needsNewPod.map((why) => `pod ${pod.name}: needs a new pod: ${why}`),
  ];
}

function outcomeText(outcome: PodOutcome | undefined, isDryRun: boolean): string {
  switch (outcome?.kind) {
    case undefined:
      return '';
    case 'Back':
      return isDryRun ? '' : ': back';
    case 'Gone':
      return ': gone meanwhile';
    case 'Untouched':
      return ': untouched';
    case 'NotBack':
      return `: ${isDryRun ? 'cannot be put back' : 'not back'}: ${outcome.message}`;
  }
}

/** `cpu request 200m -> 1, memory limit none -> 1Gi`. */
function changeText({ from, to }: PatchedContainer): string {
  const parts = RESOURCES.flatMap((resource) =>
    (['requests', 'limits'] as const).flatMap((field) => {
      const [before, after] = [from[field][resource], to[field][resource]];
      if (before === after) return [];
      const what = `${resource} ${field === 'requests' ? 'request' : 'limit'}`;
      return [`${what} ${amountText(resource, before)} -> ${amountText(resource, after)}`];
    }),
  );
  // What runs is as it should be, and something else was asked for meanwhile.
  return parts.length === 0
    ? 'as the template says, though other sizes were asked for'
    : parts.join(', ');
}

function amountText(resource: Resource, amount: number | undefined): string {
  return amount === undefined ? 'none' : FORMATTED[resource](amount);
}

/** For programs: one object, amounts as quantities. */
export function revertJson({ workloads, isDryRun, suspended }: RevertResult): string {
  const object = {
    dryRun: isDryRun,
    suspended: suspended.map(({ ref }) => ref),
    workloads: workloads.map((result) => {
      const { plan, refusal, template, newPods } = result;
      return {
        ...plan.workload.ref,
        refused: refusal,
        template: plan.givesBackTemplate ? template : undefined,
        newPods,
        leftAlone: plan.leftAlone,
        pods: plan.pods.map((way) => podJson(way, result.pods.get(way.pod.uid))),
      };
    }),
    notBack: notBack({ workloads, isDryRun, suspended }).length,
  };
  return `${JSON.stringify(object, null, 2)}\n`;
}

function podJson(
  { pod, containers, needsNewPod }: PodRevert,
  outcome: PodOutcome = { kind: 'Untouched' },
) {
  return {
    name: pod.name,
    outcome: outcome.kind === 'Back' && needsNewPod.length > 0 ? 'NeedsNewPod' : outcome.kind,
    message: outcome.kind === 'NotBack' ? outcome.message : undefined,
    needsNewPod,
    containers: containers.map(({ name, from, to }) => ({
      name,
      from: quantities(from),
      to: quantities(to),
    })),
  };
}

function quantities({ requests, limits }: Sizes) {
  const of = (amounts: Sizes['requests']) =>
    Object.fromEntries(
      RESOURCES.flatMap((resource) => {
        const amount = amounts[resource];
        return amount === undefined ? [] : [[resource, FORMATTED[resource](amount)] as const];
      }),
    );
  return { requests: of(requests), limits: of(limits) };
}

/** What is not as its template says, or would not be, a line each. */
export function notBack({ workloads }: RevertResult): readonly string[] {
  return workloads.flatMap((result) => {
    const { plan, refusal, template } = result;
    const key = workloadKey(plan.workload.ref);
    if (refusal !== undefined) return [`${key}: ${refusal}`];
    const own = typeof template === 'object' ? [`${key}: template: ${template.message}`] : [];
    const pods = plan.pods.flatMap((way) => {
      const outcome = result.pods.get(way.pod.uid);
      if (outcome?.kind === 'Gone') return [];
      const said = outcome?.kind === 'NotBack' ? [outcome.message] : [];
      const news = way.needsNewPod.map((why) => `needs a new pod: ${why}`);
      return [...said, ...news].map((why) => `${key}: pod ${way.pod.name}: ${why}`);
    });
    return [...own, ...pods];
  });
}

/** One sentence on all, and how to lift what was suspended. */
export function revertSummary(result: RevertResult): string {
  const { workloads, isDryRun, suspended } = result;
  if (workloads.length === 0 && suspended.length === 0) return 'nothing to put back\n';
  const back = workloads.flatMap(({ plan, pods }) =>
    plan.pods.filter(({ pod, needsNewPod }) => {
      return needsNewPod.length === 0 && pods.get(pod.uid)?.kind === 'Back';
    }),
  ).length;
  const templates = workloads.filter(({ template }) => template === 'GivenBack').length;
  const would = isDryRun ? 'would be ' : '';
  const parts = [
    `${counted(back, 'pod')} ${would}put back in place`,
    ...(templates === 0 ? [] : [`${counted(templates, 'template')} ${would}given back`]),
    ...(suspended.length === 0
      ? []
      : [`${counted(suspended.length, 'workload')} ${would}suspended`]),
    `${notBack(result).length} not`,
  ];
  const lift = isDryRun || suspended.length === 0 ? '' : liftText(result);
  return `${parts.join(', ')}\n${lift}`;
}

function liftText({ suspended }: RevertResult): string {
  const commands = suspended.map(
    ({ ref: { namespace, kind, name } }) =>
      `  kubectl -n ${namespace} annotate ${kind.toLowerCase()} ${name} ${SUSPEND}-\n`,
  );
  return `suspended until somebody lifts it:\n${commands.join('')}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
