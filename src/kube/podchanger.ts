import { FIELD_MANAGER } from '../api/group.ts';
import type {
  EvictionAnswer,
  PodAddress,
  PodChanger,
  ResizeAnswer,
  SeenPod,
} from '../controller/changeports.ts';
import type { PatchedContainer } from '../resize/podplan.ts';
import type { KubeConnection } from './connection.ts';
import { KubeError, isKubeError } from './errors.ts';
import { objectAt, textAt } from './json.ts';
import { objectPath } from './paths.ts';
import { resourcesOf } from './quantities.ts';
import {
  isDeniedByPolicy,
  isOfAnother,
  isRefusal,
  isWithoutRight,
  sentenceOf,
} from './refusals.ts';

interface CallOptions {
  readonly isDryRun: boolean;
  readonly isUrgent?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Changes pods through their subresources, each call once: what got no answer may have been carried out, and is not
 * repeated before somebody has looked. Rejects with a KubeError then.
 */
export function createPodChanger(connection: KubeConnection): PodChanger {
  return {
    resize: async (pod, containers, options) => {
      try {
        await patchSizes(connection, pod, containers, options);
        return { kind: 'Accepted' };
      } catch (thrown) {
        const answer = resizeAnswer(thrown);
        const isAnother =
          answer.kind === 'Stale' && (await isReplaced(connection, pod, options.signal));
        return isAnother ? { kind: 'Gone' } : answer;
      }
    },
    evict: async (pod, options) => {
      try {
        await createEviction(connection, pod, options);
        return { kind: 'Accepted' };
      } catch (thrown) {
        return evictionAnswer(thrown);
      }
    },
  };
}

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

function pathOf({ namespace, name }: PodAddress, subresource?: string): string {
  return objectPath({ apiVersion: 'v1', plural: 'pods', namespace, name }, subresource);
}

/** A strategic merge names what changes: other resources of a container, and other containers, stay as they are. */
async function patchSizes(
  connection: KubeConnection,
  pod: SeenPod,
  containers: readonly PatchedContainer[],
  { isDryRun, isUrgent = false, signal }: CallOptions,
): Promise<void> {
  const patched = (kind: PatchedContainer['kind']) =>
    containers
      .filter((container) => container.kind === kind)
      .map(({ name, to }) => ({ name, resources: resourcesOf(to) }));
  const [main, sidecars] = [patched('Container'), patched('Sidecar')];
  await connection.request({
    method: 'PATCH',
    path: pathOf(pod, 'resize'),
    query: { fieldManager: FIELD_MANAGER, dryRun: isDryRun ? 'All' : undefined },
    contentType: 'application/strategic-merge-patch+json',
    body: {
      metadata: { uid: pod.uid, resourceVersion: pod.resourceVersion },
      spec: {
        ...(main.length > 0 && { containers: main }),
        ...(sidecars.length > 0 && { initContainers: sidecars }),
      },
    },
    signal,
    isUrgent,
    ...(!isDryRun && { retry: 'Never' }),
  });
}

function resizeAnswer(thrown: unknown): ResizeAnswer {
  if (!(thrown instanceof KubeError)) throw thrown;
  if (thrown.status === 404) return notFound(thrown);
  const message = sentenceOf(thrown);
  if (isWithoutRight(thrown)) return { kind: 'Forbidden', message };
  if (thrown.status === 409 && !isDeniedByPolicy(thrown)) return { kind: 'Stale' };
  if (isOfAnother(thrown)) return { kind: 'Gone' };
  if (isInfeasible(thrown)) return { kind: 'Infeasible', message };
  if (isRefusal(thrown)) return { kind: 'Refused', message };
  throw thrown;
}

/** Before 1.33 there is no such subresource, and the answer names no pod. */
function notFound({ answer }: KubeError): ResizeAnswer {
  if (answer?.name !== '') return { kind: 'Gone' };
  return {
    kind: 'Infeasible',
    message: 'The API server does not resize pods in place; that takes Kubernetes 1.33 or newer.',
  };
}

/**
 * A pod of a StatefulSet comes again under its name. The server looks at the version first, and so calls a patch for
 * the pod before stale.
 */
async function isReplaced(
  connection: KubeConnection,
  pod: SeenPod,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const now = await connection.request({
      method: 'GET',
      path: pathOf(pod),
      accept: METADATA_ONLY,
      signal,
    });
    return textAt(objectAt(now, 'metadata'), 'uid') !== pod.uid;
  } catch (thrown) {
    // Nothing was changed either way, and Stale says so.
    return isKubeError(thrown, 'NotFound', 'NamespaceGone');
  }
}

/** By the pod itself, which changes no more, or by what its node can give at most. */
function isInfeasible(error: KubeError): boolean {
  if (error.status === 422) return !isDeniedByPolicy(error);
  return error.answer?.causes?.some(({ reason }) => reason === 'NodeCapacity') === true;
}

async function createEviction(
  connection: KubeConnection,
  pod: PodAddress,
  { isDryRun, signal }: CallOptions,
): Promise<void> {
  const { namespace, name, uid } = pod;
  await connection.request({
    method: 'POST',
    path: pathOf(pod, 'eviction'),
    query: { fieldManager: FIELD_MANAGER, dryRun: isDryRun ? 'All' : undefined },
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
      deleteOptions: { preconditions: { uid }, ...(isDryRun && { dryRun: ['All'] }) },
    },
    signal,
    // 429 is the answer of a PodDisruptionBudget, and waiting in line for it would be no use.
    retry: 'Never',
  });
}

function evictionAnswer(thrown: unknown): EvictionAnswer {
  if (!(thrown instanceof KubeError)) throw thrown;
  if (thrown.status === 404) return { kind: 'Gone' };
  if (isOfAnother(thrown)) return { kind: 'Gone' };
  if (isWithoutRight(thrown)) return { kind: 'Forbidden', message: sentenceOf(thrown) };
  if (isForLater(thrown)) {
    const { retryAfterSeconds } = thrown;
    return { kind: 'Blocked', message: budgetOf(thrown), retryAfterSeconds };
  }
  if (isRefusal(thrown) || hasSeveralBudgets(thrown)) {
    return { kind: 'Refused', message: sentenceOf(thrown) };
  }
  throw thrown;
}

/** No room in a budget, or another eviction is being counted by the same budget right now. */
function isForLater(error: KubeError): boolean {
  return (error.status === 429 || error.status === 409) && !isDeniedByPolicy(error);
}

/** The API server does not add budgets up, and answers as if it had failed. */
function hasSeveralBudgets({ status, answer }: KubeError): boolean {
  return status === 500 && answer?.message.includes('more than one PodDisruptionBudget') === true;
}

/** `The disruption budget cart needs 2 healthy pods and has 2 currently`, where it says so. */
function budgetOf(error: KubeError): string {
  const budget = error.answer?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  return budget?.message ?? sentenceOf(error);
}
