import type { KubeConnection, Query } from './connection.ts';
import { KubeError, asError } from './errors.ts';
import { asJson, listAt, objectAt, requiredText, textAt, type Json } from './json.ts';

export interface ListCall {
  readonly connection: KubeConnection;
  readonly path: string;
  readonly query: Query;
  readonly accept: string;
  readonly signal: AbortSignal;
  /** Gets the objects page by page, so that a whole list is never held raw. */
  readonly onPage: (objects: readonly Json[]) => void;
}

const PAGE_SIZE = 500;
const PAGE_DEADLINE_MS = 60_000;

/** Lists all pages and answers with the resource version that a watch goes on from. Gone: start again. */
export async function listPages(call: ListCall): Promise<string> {
  const { connection, path, accept, signal } = call;
  let next: string | undefined;
  for (;;) {
    const answer = await connection.request({
      method: 'GET',
      path,
      query: { ...call.query, limit: PAGE_SIZE, continue: next },
      accept,
      signal,
      deadlineMs: PAGE_DEADLINE_MS,
      // The reflector waits in its own way, so that its state shows what it waits for.
      retry: 'Never',
    });
    const page = readPage(path, answer);
    call.onPage(page.objects);
    if (page.next === undefined) return page.resourceVersion;
    next = page.next;
  }
}

interface Page {
  readonly objects: readonly Json[];
  readonly resourceVersion: string;
  readonly next: string | undefined;
}

function readPage(path: string, answer: unknown): Page {
  try {
    const metadata = objectAt(answer, 'metadata');
    const next = textAt(metadata, 'continue');
    return {
      objects: listAt(asJson(answer), 'items'),
      resourceVersion: requiredText(metadata, 'resourceVersion'),
      next: next === '' ? undefined : next,
    };
  } catch (cause) {
    throw new KubeError('AnswerInvalid', `GET ${path}: not a list: ${asError(cause).message}`, {
      cause,
    });
  }
}
