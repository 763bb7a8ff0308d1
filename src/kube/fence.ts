import { KubeError } from './errors.ts';

/** Whether objects of a namespace may be written now; undefined: those of no namespace. */
export type MayWrite = (namespace: string | undefined) => boolean;

interface Write {
  readonly method: string;
  readonly path: string;
  readonly lane?: 'Ordinary' | 'Lease';
}

/**
 * Stands between decisions and the wire: a write that was decided in time may have waited for the rate limit, for the
 * server's Retry-After, or for a process that was paused.
 */
export class WriteFence {
  readonly #mayWrite: MayWrite;
  readonly #underWay = new Map<string | undefined, number>();

  constructor(mayWrite: MayWrite) {
    this.#mayWrite = mayWrite;
  }

  /** Whether a write in one of these namespaces is on its way. */
  isWriting(within: (namespace: string | undefined) => boolean): boolean {
    return [...this.#underWay.keys()].some(within);
  }

  /** Counts the call as one on its way until what is returned is called. Throws KubeError where it may not be made. */
  enter(call: Write): () => void {
    if (!isFenced(call)) return () => undefined;
    this.check(call);
    const namespace = namespaceOf(call.path);
    this.#underWay.set(namespace, (this.#underWay.get(namespace) ?? 0) + 1);
    return () => {
      const left = (this.#underWay.get(namespace) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(namespace);
      else this.#underWay.set(namespace, left);
    };
  }

  /** To be called right before the call goes out. */
  check(call: Write): void {
    if (!isFenced(call) || this.#mayWrite(namespaceOf(call.path))) return;
    throw new KubeError(
      'Aborted',
      `${call.method} ${call.path}: another instance may be writing here by now`,
    );
  }
}

/** Reviews ask, and events tell of what was done: they change nothing that two could disagree on. */
function isFenced({ method, path, lane }: Write): boolean {
  if (method === 'GET' || lane === 'Lease') return false;
  return (
    !path.startsWith('/apis/authorization.k8s.io/') && !path.startsWith('/apis/events.k8s.io/')
  );
}

function namespaceOf(path: string): string | undefined {
  const [, namespace] = /\/namespaces\/([^/]+)\/./.exec(path) ?? [];
  return namespace === undefined ? undefined : decodeURIComponent(namespace);
}
