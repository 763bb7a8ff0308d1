import { TEMPLATE_FIELD_MANAGER } from '../api/group.ts';
import type { TemplateAnswer, TemplateChanger } from '../controller/changeports.ts';
import type { ContainerKind, Workload, WorkloadKind } from '../controller/ports.ts';
import type { Amounts } from '../recommend/usage.ts';
import { applyObject } from './apply.ts';
import type { KubeConnection } from './connection.ts';
import { KubeError, isKubeError } from './errors.ts';
import type { Json } from './json.ts';
import { WORKLOAD_RESOURCES } from './paths.ts';
import { resourcesOf } from './quantities.ts';
import { isOfAnother, isRefusal, isWithoutRight, sentenceOf } from './refusals.ts';

type Stated = Parameters<TemplateChanger['apply']>[1];

/**
 * Server-side apply without force: a field of somebody else is never taken over, and an empty list removes what only
 * this manager stated. The uid keeps it from creating a workload that has just been deleted.
 */
export function createTemplateChanger(connection: KubeConnection): TemplateChanger {
  return {
    apply: async (workload, stated, options) => {
      if (workload.ref.kind === 'Job' && stated.length === 0) return { kind: 'Accepted' };
      const impossible = impossibleOf(workload, stated);
      if (impossible !== undefined) return { kind: 'Refused', message: impossible };
      const apply = (containers: readonly TemplateContainer[]) =>
        applyTemplate(connection, workload, containers, options);
      const containers = stated.map(({ sizes, ...each }) => ({
        ...each,
        resources: resourcesOf(sizes),
      }));
      try {
        await apply(containers).catch(async (thrown: unknown) => {
          if (!leavesNull(thrown)) throw thrown;
          await apply([...containers, ...emptied(workload, stated)]);
          // Of a dry run nothing was kept that a second one could go on from.
          if (!options.isDryRun) await apply(containers);
        });
        return { kind: 'Accepted' };
      } catch (thrown) {
        return templateAnswer(thrown);
      }
    },
  };
}

interface TemplateContainer {
  readonly name: string;
  readonly kind: ContainerKind;
  readonly resources: Json;
}

async function applyTemplate(
  connection: KubeConnection,
  { ref, apiVersion, uid }: Workload,
  containers: readonly TemplateContainer[],
  { isDryRun, signal }: Parameters<TemplateChanger['apply']>[2],
): Promise<void> {
  const { kind, namespace, name } = ref;
  const at = { ...WORKLOAD_RESOURCES[kind], apiVersion, namespace, name };
  const object = { kind, metadata: { name, uid }, ...specOf(kind, containers) };
  await applyObject(connection, at, object, {
    conflicts: 'Keep',
    dryRun: isDryRun,
    fieldManager: TEMPLATE_FIELD_MANAGER,
    signal,
    ...(!isDryRun && { retry: 'Never' }),
  });
}

/**
 * Where somebody else states `resources: {}`, as charts do, the server makes null of it when our amounts go, and a
 * custom kind such as Rollout does not allow that.
 */
function leavesNull(thrown: unknown): boolean {
  if (!isKubeError(thrown, 'Invalid')) return false;
  const causes = thrown.answer?.causes ?? [];
  return causes.some(
    ({ field, message }) => field.endsWith('.resources') && message.includes('"null"'),
  );
}

/**
 * Amounts go, their lists stay; when the lists go after them, `resources` was empty already and is left alone. Only
 * lists that are there: one that came with this would make null once more.
 */
function emptied({ containers }: Workload, stated: Stated): readonly TemplateContainer[] {
  return containers
    .filter(({ name, kind }) => !stated.some((each) => each.name === name && each.kind === kind))
    .map(({ name, kind, requests, limits }) => ({
      name,
      kind,
      resources: {
        ...(hasAmounts(requests) && { requests: {} }),
        ...(hasAmounts(limits) && { limits: {} }),
      },
    }))
    .filter(({ resources }) => Object.keys(resources).length > 0);
}

function hasAmounts({ cpu, memory }: Amounts): boolean {
  return cpu !== undefined || memory !== undefined;
}

/** A template that cannot be changed, and one without these containers, which an apply would add to it. */
function impossibleOf({ ref, containers }: Workload, stated: Stated): string | undefined {
  if (ref.kind === 'Job') return 'The template of a Job cannot be changed once the Job is there.';
  if (ref.kind === 'Rollout' && containers.length === 0 && stated.length > 0) {
    return 'The Rollout takes its pod template from the workload in spec.workloadRef; size that one.';
  }
  const missing = stated.find(
    ({ name, kind }) => !containers.some((each) => each.name === name && each.kind === kind),
  );
  return missing && `The pod template has no container ${missing.name} any more.`;
}

function specOf(workloadKind: WorkloadKind, all: readonly TemplateContainer[]): Json {
  if (all.length === 0) return {};
  const of = (wanted: ContainerKind) =>
    all.filter(({ kind }) => kind === wanted).map(({ name, resources }) => ({ name, resources }));
  const [containers, initContainers] = [of('Container'), of('Sidecar')];
  const podSpec = {
    ...(containers.length > 0 && { containers }),
    ...(initContainers.length > 0 && { initContainers }),
  };
  const spec = { template: { spec: podSpec } };
  return { spec: workloadKind === 'CronJob' ? { jobTemplate: { spec } } : spec };
}

function templateAnswer(thrown: unknown): TemplateAnswer {
  if (!(thrown instanceof KubeError)) throw thrown;
  if (thrown.status === 404 || isOfAnother(thrown)) return { kind: 'Gone' };
  const conflict = conflictAnswer(thrown);
  if (conflict !== undefined) return conflict;
  const message = sentenceOf(thrown);
  if (isWithoutRight(thrown)) return { kind: 'Forbidden', message };
  if (isRefusal(thrown)) return { kind: 'Refused', message };
  throw thrown;
}

/** Undefined where no field of another manager stands against it. */
function conflictAnswer({ answer }: KubeError): TemplateAnswer | undefined {
  const conflicts = (answer?.causes ?? []).filter(
    ({ reason }) => reason === 'FieldManagerConflict',
  );
  if (conflicts.length === 0) return undefined;
  if (conflicts.some(({ field }) => WHOLE_LIST.test(field))) {
    return { kind: 'Refused', message: WHOLE_LIST_MESSAGE };
  }
  const managers = conflicts.flatMap(({ message }) => /"([^"]+)"/.exec(message)?.[1] ?? []);
  return { kind: 'Conflict', managers: [...new Set(managers)].sort() };
}

/**
 * Where the kind's schema does not say that containers are told by name, as in releases of Argo Rollouts that leave
 * it out, the list is one field of another manager. Without force it stays as it is.
 */
const WHOLE_LIST = /\.(?:initC|c)ontainers$/;
const WHOLE_LIST_MESSAGE =
  'The kind as installed does not merge containers by name, so that sizes alone cannot be applied; install the CRDs of a newer Argo Rollouts.';
