import { FIELD_MANAGER } from '../api/group.ts';
import type { KubeConnection } from './connection.ts';
import { isKubeError } from './errors.ts';
import type { Json } from './json.ts';
import { objectPath, type ObjectAddress } from './paths.ts';

interface ApplyOptions {
  /** `Force` takes fields over from other managers; `Keep` fails with Conflict when one owns a field. */
  readonly conflicts: 'Force' | 'Keep';
  readonly dryRun?: boolean;
  /** `rightsize` unless stated. */
  readonly fieldManager?: string;
  readonly retry?: 'Never';
  readonly signal?: AbortSignal;
}

/**
 * Server-side apply: creates the object or changes exactly the stated fields, and removes fields that
 * an earlier apply of the same field manager stated and this one does not. `object` has no managedFields. Answers with the stored object.
 */
export function applyObject(
  connection: KubeConnection,
  at: ObjectAddress,
  object: Json,
  options: ApplyOptions,
): Promise<unknown> {
  return apply(connection, objectPath(at), { at, object, options });
}

/** The same for the status subresource; NotFound when the object is not there. */
export function applyStatus(
  connection: KubeConnection,
  at: ObjectAddress,
  object: Json,
  options: ApplyOptions,
): Promise<unknown> {
  return apply(connection, objectPath(at, 'status'), { at, object, options });
}

interface Apply {
  readonly at: ObjectAddress;
  readonly object: Json;
  readonly options: ApplyOptions;
}

function apply(
  connection: KubeConnection,
  path: string,
  { at, object, options }: Apply,
): Promise<unknown> {
  return connection.request({
    method: 'PATCH',
    path,
    query: {
      fieldManager: options.fieldManager ?? FIELD_MANAGER,
      force: options.conflicts === 'Force',
      dryRun: options.dryRun === true ? 'All' : undefined,
    },
    // JSON is YAML, which is what this content type says.
    contentType: 'application/apply-patch+yaml',
    body: { ...object, apiVersion: at.apiVersion },
    signal: options.signal,
    ...(options.retry !== undefined && { retry: options.retry }),
  });
}

/** Deletes the object, only the one with `uid` when that is stated. One that is gone already is fine. */
export async function deleteObject(
  connection: KubeConnection,
  at: ObjectAddress,
  { uid, signal }: { readonly uid?: string; readonly signal?: AbortSignal } = {},
): Promise<void> {
  try {
    await connection.request({
      method: 'DELETE',
      path: objectPath(at),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      },
      signal,
    });
  } catch (thrown) {
    // Conflict: another object has the name now, so ours is gone.
    if (!isKubeError(thrown, 'NotFound') && !(uid !== undefined && isKubeError(thrown, 'Conflict')))
      throw thrown;
  }
}
