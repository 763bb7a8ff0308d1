/**
 * Whether a server is asked for windows without an end, which is cheaper for Prometheus, see `rawQueries`. Others may bound
 * how long a window is, or reckon times in units in which the last one is none.
 */
export interface Endless {
  /** As far as it is known without a call. */
  readonly isTaken: boolean;
  /** Asks the server what it is, unless that is known or it did not answer lately. Rejects on abort alone. */
  learn(signal: AbortSignal): Promise<void>;
  /** It would not answer without an end: it is not asked so for a day. */
  refused(): void;
}

export interface EndlessSetup {
  /** See `buildinfo.ts`; undefined is asked again. */
  readonly isPrometheus: (signal: AbortSignal) => Promise<boolean | undefined>;
  /** Seconds of any clock that only goes forward. */
  readonly clock?: () => number;
}

const ASK_AGAIN_SECONDS = 600;
const REFUSED_SECONDS = 24 * 3600;

export function createEndless({
  isPrometheus,
  clock = () => performance.now() / 1000,
}: EndlessSetup): Endless {
  let known: boolean | undefined;
  let askAt = -Infinity;
  return {
    get isTaken() {
      return known === true;
    },
    async learn(signal) {
      if (known !== undefined || clock() < askAt) return;
      askAt = clock() + ASK_AGAIN_SECONDS;
      known = await isPrometheus(signal);
    },
    refused() {
      known = undefined;
      askAt = clock() + REFUSED_SECONDS;
    },
  };
}
