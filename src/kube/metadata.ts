import { listAt, objectAt, requiredText, textAt, type Json } from './json.ts';

/** The controller of an object: the owner that created it and answers for it. */
export interface Owner {
  readonly kind: string;
  readonly name: string;
}

export interface Identity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function identityOf(raw: Json): Identity {
  const metadata = objectAt(raw, 'metadata');
  return {
    namespace: requiredText(metadata, 'namespace'),
    name: requiredText(metadata, 'name'),
    uid: textAt(metadata, 'uid') ?? '',
  };
}

/** Groups whose kinds are told by the bare name; `v1` objects own no pods that we size. */
const PLAIN_GROUPS = new Set(['apps', 'batch', 'argoproj.io']);

/**
 * The controller in `ownerReferences`; undefined when none is marked as such. A kind of another API group carries
 * it, as in `StatefulSet.apps.kruise.io`, so that it is never taken for the StatefulSet of `apps`.
 */
export function controllerOf(raw: Json): Owner | undefined {
  const references = listAt(objectAt(raw, 'metadata'), 'ownerReferences');
  const controller = references.find((reference) => reference['controller'] === true);
  if (controller === undefined) return undefined;
  const kind = requiredText(controller, 'kind');
  const [group = ''] = requiredText(controller, 'apiVersion').split('/');
  return {
    kind: PLAIN_GROUPS.has(group) ? kind : `${kind}.${group}`,
    name: requiredText(controller, 'name'),
  };
}

/** A ReplicaSet (metadata suffices) or a Job by its name, and who owns it. */
export interface Owned {
  readonly namespace: string;
  readonly name: string;
  readonly owner: Owner | undefined;
}

export function projectOwned(raw: Json): Owned {
  const { namespace, name } = identityOf(raw);
  return { namespace, name, owner: controllerOf(raw) };
}
