import type { LiveReading, LiveSource, LiveUsage } from './changeports.ts';
import type { PodKnowledge } from './podstate.ts';
import type { Clock, UsageFailure } from './ports.ts';

export interface LiveKeeperOptions {
  readonly source: LiveSource;
  readonly clock: Clock;
  readonly intervalSeconds: number;
  /** Namespaces of the pods that are acted on now; none of them: nothing is read. */
  readonly namespaces: () => readonly string[];
  /** After each look. */
  readonly onLook: () => void;
  /** When looking begins to fail, or fails for another reason, and with undefined when it works again. */
  readonly onFailure: (failure: UsageFailure | undefined) => void;
}

type Looks = PodKnowledge['live'];
type Containers = ReadonlyMap<string, LiveUsage>;

const SOON_SECONDS = 1;

const NOTHING: Looks = [];

/** The mean of five minutes is made of looks, of which the oldest may lie a little beyond. */
const KEPT_SECONDS = 330;

/**
 * Looks at what the pods that are acted on do now, every so often, and keeps the looks of the last minutes of each
 * container. A look that brings no newer sample than the last is none, so that two looks are two samples, and one that
 * fails takes nothing away.
 */
export class LiveKeeper {
  readonly #options: LiveKeeperOptions;
  #pods = new Map<string, Looks>();
  #failure: UsageFailure | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #abort = new AbortController();
  #looking: Promise<void> | undefined;
  #isLooking = false;
  #isSoon = false;

  constructor(options: LiveKeeperOptions) {
    this.#options = options;
    this.#schedule();
  }

  looksAt(namespace: string, pod: string): Looks {
    return this.#pods.get(`${namespace}/${pod}`) ?? NOTHING;
  }

  /** Looks a second from now, or from the end of a look that runs: what is asked for meanwhile is looked at together. */
  soon(): void {
    if (this.#isSoon || this.#abort.signal.aborted) return;
    this.#isSoon = true;
    // It may have asked what to look at before this was to be looked at.
    if (this.#isLooking) return;
    clearTimeout(this.#timer);
    this.#schedule(this.#soonSeconds);
  }

  get #soonSeconds(): number {
    return Math.min(SOON_SECONDS, this.#options.intervalSeconds);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#looking;
  }

  #schedule(seconds = this.#options.intervalSeconds): void {
    this.#timer = setTimeout(() => {
      this.#isLooking = true;
      this.#isSoon = false;
      this.#looking = this.#look().finally(() => {
        this.#isLooking = false;
        if (this.#abort.signal.aborted) return;
        this.#schedule(this.#isSoon ? this.#soonSeconds : undefined);
      });
    }, seconds * 1000);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const namespaces = this.#options.namespaces();
    if (namespaces.length === 0) {
      this.#pods.clear();
      return;
    }
    const reading = await this.#read(namespaces);
    if (this.#abort.signal.aborted) return;
    const looked = [...reading.pods].map(
      ([pod, containers]) => [pod, next(this.#pods.get(pod), containers)] as const,
    );
    // What could not be looked at is as it was; how old that is, its figures say themselves.
    const kept = reading.failure === undefined ? [] : this.#pods;
    this.#pods = new Map([...kept, ...looked]);
    this.#tell(reading.failure);
    this.#options.onLook();
  }

  async #read(namespaces: readonly string[]): Promise<LiveReading> {
    try {
      return await this.#options.source.readNow({ namespaces }, this.#abort.signal);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : 'looking at usage failed';
      return { pods: new Map(), failure: { reason: 'PrometheusAnswerInvalid', message } };
    }
  }

  #tell(failure: UsageFailure | undefined): void {
    if (failure?.reason === this.#failure?.reason) return;
    this.#failure = failure;
    this.#options.onFailure(failure);
  }
}

/** Container by container, since their samples are not of the same moment. One that is older than the last is none. */
function next(looks: Looks = NOTHING, fresh: Containers): Looks {
  const known = new Map(
    [...fresh].map(([name, usage]) => {
      const before = looks.flatMap((looked) => looked?.get(name) ?? []);
      return [name, withLook(before, usage)] as const;
    }),
  );
  const longest = Math.max(0, ...[...known.values()].map((each) => each.length));
  return Array.from(
    { length: longest },
    (_, index) =>
      new Map([...known].flatMap(([name, each]) => (each[index] ? [[name, each[index]]] : []))),
  );
}

/** The newest first; the same sample with what is known of it now. */
function withLook(before: readonly LiveUsage[], usage: LiveUsage): readonly LiveUsage[] {
  const [last] = before;
  if (last !== undefined && last.atSeconds > usage.atSeconds) return before;
  const older = before.filter(
    ({ atSeconds }) => atSeconds < usage.atSeconds && usage.atSeconds - atSeconds <= KEPT_SECONDS,
  );
  return [usage, ...older];
}
