import { KubeError } from './errors.ts';

/** Whether objects of a namespace may be written now; undefined: those of no namespace. */
export type MayWrite = (namespace: string | undefined) => boolean;

interface Write {
  readonly method: string;
  readonly path: string;
  readonly lane?: 'Ordinary' | 'Lease';
}

/** One write, from its decision to its end. */
export interface UnderWay {
  /** It goes out now: from here on the server may do it, whether or not an answer comes. */
  readonly sent: () => void;
  /** `isKnown`: the server said what became of it, or never had it. Else it may be done for as long as its deadline lasts. */
  readonly ended: (isKnown: boolean) => void;
}

/**
 * Stands between decisions and the wire: a write that was decided in time may have waited for the rate limit, for the
 * server's Retry-After, or for a process that was paused.
 */
export class WriteFence {
  readonly #mayWrite: MayWrite;
  readonly #underWay = new Map<string | undefined, number>();
  readonly #awaiting: (() => void)[] = [];

  constructor(mayWrite: MayWrite) {
    this.#mayWrite = mayWrite;
  }

  /** Whether a write in one of these namespaces is on its way, or may still be done. */
  isWriting(within: (namespace: string | undefined) => boolean): boolean {
    return [...this.#underWay.keys()].some(within);
  }

  /** Resolves when nothing is on its way, and nothing may still be done. */
  async quiet(): Promise<void> {
    if (this.#underWay.size === 0) return;
    await new Promise<void>((resolve) => this.#awaiting.push(resolve));
  }

  /** Counts the call as one on its way until it has ended. Throws KubeError where it may not be made. */
  enter(call: Write, deadlineMs: number): UnderWay {
    if (!isFenced(call)) return NOT_COUNTED;
    this.check(call);
    const namespace = namespaceOf(call.path);
    this.#underWay.set(namespace, (this.#underWay.get(namespace) ?? 0) + 1);
    let sentMs: number | undefined;
    return {
      sent: () => (sentMs = performance.now()),
      ended: (isKnown) => {
        const leftMs = sentMs === undefined ? 0 : sentMs + deadlineMs - performance.now();
        if (isKnown || leftMs <= 0) this.#leave(namespace);
        else setTimeout(() => this.#leave(namespace), leftMs);
      },
    };
  }

  #leave(namespace: string | undefined): void {
    const left = (this.#underWay.get(namespace) ?? 1) - 1;
    if (left > 0) {
      this.#underWay.set(namespace, left);
      return;
    }
    this.#underWay.delete(namespace);
    if (this.#underWay.size > 0) return;
    for (const resolve of this.#awaiting.splice(0)) resolve();
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

const NOT_COUNTED: UnderWay = { sent: () => undefined, ended: () => undefined };

/** Reviews ask, and events tell of what was done: they change nothing that two could disagree on. */
export function isFenced({ method, path, lane }: Write): boolean {
  if (method === 'GET' || lane === 'Lease') return false;
  return (
    !path.startsWith('/apis/authorization.k8s.io/') && !path.startsWith('/apis/events.k8s.io/')
  );
}

function namespaceOf(path: string): string | undefined {
  const [, namespace] = /\/namespaces\/([^/]+)\/./.exec(path) ?? [];
  return namespace === undefined ? undefined : decodeURIComponent(namespace);
}
