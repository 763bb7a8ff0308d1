import { TEMPLATE_FIELD_MANAGER } from '../api/group.ts';
import type { Workload, WorkloadKind } from '../controller/ports.ts';
import type { StatedContainer, TemplateReader } from '../controller/statedsizes.ts';
import { RESOURCES, type Amounts, type Sizes } from '../recommend/usage.ts';
import type { KubeConnection } from './connection.ts';
import { containerSpecs } from './containers.ts';
import { isKubeError } from './errors.ts';
import { asJson, listAt, objectAt, textAt, type Json } from './json.ts';
import { objectPath, WORKLOAD_RESOURCES } from './paths.ts';

/** Reads the sizes that our field manager states in a pod template, which the watches do not keep. */
export function createTemplateReader(connection: KubeConnection): TemplateReader {
  return {
    ownSizes: async ({ ref, apiVersion, uid }: Workload, signal) => {
      const { kind, namespace, name } = ref;
      const path = objectPath({ ...WORKLOAD_RESOURCES[kind], apiVersion, namespace, name });
      try {
        const raw = asJson(await connection.request({ method: 'GET', path, signal }));
        return textAt(objectAt(raw, 'metadata'), 'uid') === uid ? ownSizes(kind, raw) : undefined;
      } catch (thrown) {
        if (isKubeError(thrown, 'NotFound')) return undefined;
        throw thrown;
      }
    },
  };
}

const TEMPLATE = ['spec', 'template', 'spec'] as const;

function pathTo(kind: WorkloadKind): readonly string[] {
  return kind === 'CronJob' ? ['spec', 'jobTemplate', ...TEMPLATE] : TEMPLATE;
}

/** The values are those of the template; only what our field manager has is in it. */
function ownSizes(kind: WorkloadKind, raw: Json): readonly StatedContainer[] {
  const path = pathTo(kind);
  const fields = listAt(objectAt(raw, 'metadata'), 'managedFields')
    .filter((entry) => textAt(entry, 'manager') === TEMPLATE_FIELD_MANAGER)
    .map((entry) => objectAt(entry, 'fieldsV1', ...path.map((part) => `f:${part}`)));
  return containerSpecs(objectAt(raw, ...path)).flatMap((container): readonly StatedContainer[] => {
    const list = container.kind === 'Sidecar' ? 'f:initContainers' : 'f:containers';
    const key = `k:${JSON.stringify({ name: container.name })}`;
    const owned = fields.map((each) => objectAt(each, list, key, 'f:resources'));
    const of = (field: keyof Sizes): Amounts =>
      Object.fromEntries(
        RESOURCES.flatMap((resource) => {
          const amount = container[field][resource];
          const isOwn = owned.some((each) => `f:${resource}` in objectAt(each, `f:${field}`));
          return amount === undefined || !isOwn ? [] : [[resource, amount]];
        }),
      );
    const sizes = { requests: of('requests'), limits: of('limits') };
    const isNone = Object.keys(sizes.requests).length + Object.keys(sizes.limits).length === 0;
    return isNone ? [] : [{ name: container.name, kind: container.kind, sizes }];
  });
}
