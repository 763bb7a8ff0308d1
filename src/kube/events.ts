import { randomUUID } from 'node:crypto';
import type { KubeConnection } from './connection.ts';
import { isKubeError } from './errors.ts';
import { microTime } from './micro-time.ts';
import { collectionPath, objectPath, type ObjectAddress } from './paths.ts';

/** The object that an event is about. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a cluster-scoped object; its events live in `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string;
}

export interface EventFacts {
  readonly regarding: Regarding;
  readonly type: 'Normal' | 'Warning';
  /** PascalCase, the same as in the condition and the metric. */
  readonly reason: string;
  /** What was done or tried, PascalCase. */
  readonly action: string;
  /** A sentence for people; cut to 1 kB. */
  readonly note: string;
}

interface EventRecorderOptions {
  readonly connection: KubeConnection;
  /** This process, such as the pod's name. */
  readonly instance: string;
  readonly onError: (error: Error) => void;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

/** One event object on the server, and how often it happened. */
interface Series {
  readonly facts: EventFacts;
  readonly name: string;
  count: number;
  /** What the server has; 0 before it was created. */
  sentCount: number;
  lastMs: number;
}

const COMPONENT = 'rightsize.dev/operator';
/** The same again within this time is counted in the event that is there. */
const SERIES_MS = 600_000;
/** Writes about one object within SERIES_MS; more would only push out what others have to say. */
const WRITES_PER_OBJECT = 25;
const WAITING_LIMIT = 500;
const NOTE_BYTES = 1024;
const NAME_LIMIT = 200;
const DEADLINE_MS = 5_000;

/** Writes events of events.k8s.io/v1 one after the other, in the background; an event that fails is reported and lost. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #now: () => number;
  /** By object, reason and note; the one that was seen longest ago is first. */
  readonly #series = new Map<string, Series>();
  /** Times of the writes about each object. */
  readonly #writes = new Map<string, number[]>();
  #waiting = 0;
  #dropped = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Events that were not written because there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  record(facts: EventFacts): void {
    const nowMs = this.#now();
    this.#forget(nowMs);
    const series = this.#count(facts, nowMs);
    if (this.#waiting >= WAITING_LIMIT || !this.#mayWrite(facts.regarding, nowMs)) {
      this.#dropped++;
      return;
    }
    this.#waiting++;
    this.#tail = this.#tail.then(() => this.#write(series));
  }

  /** Resolves when everything recorded so far was written or given up; each write has a deadline of 5 s. */
  async flush(): Promise<void> {
    await this.#tail;
  }

  #count(facts: EventFacts, nowMs: number): Series {
    const key = seriesKey(facts);
    const before = this.#series.get(key);
    const series = before ?? {
      facts,
      name: `${facts.regarding.name.slice(0, NAME_LIMIT)}.${randomUUID()}`,
      count: 0,
      sentCount: 0,
      lastMs: nowMs,
    };
    series.count++;
    series.lastMs = nowMs;
    this.#series.delete(key);
    this.#series.set(key, series);
    return series;
  }

  #forget(nowMs: number): void {
    for (const [key, { lastMs }] of this.#series) {
      if (nowMs - lastMs < SERIES_MS) break;
      this.#series.delete(key);
    }
    for (const [key, times] of this.#writes) {
      const last = times.at(-1);
      if (last === undefined || nowMs - last >= SERIES_MS) this.#writes.delete(key);
    }
  }

  #mayWrite(regarding: Regarding, nowMs: number): boolean {
    const key = objectKey(regarding);
    const recent = (this.#writes.get(key) ?? []).filter((time) => nowMs - time < SERIES_MS);
    const may = recent.length < WRITES_PER_OBJECT;
    this.#writes.set(key, may ? [...recent, nowMs] : recent);
    return may;
  }

  async #write(series: Series): Promise<void> {
    this.#waiting--;
    const { count } = series;
    // An earlier write has already told of this one.
    if (series.sentCount >= count) return;
    try {
      if (series.sentCount === 0 || !(await this.#patch(series))) await this.#create(series);
      series.sentCount = count;
    } catch (cause) {
      // Nobody will read of it there.
      if (isKubeError(cause, 'NamespaceGone')) return;
      // Created all the same by a call whose answer was lost: the next one is counted in it.
      if (isKubeError(cause, 'AlreadyExists')) series.sentCount = 1;
      const { kind, name } = series.facts.regarding;
      const message = `record event ${series.facts.reason} of ${kind} ${name}`;
      this.#options.onError(new Error(message, { cause }));
    }
  }

  async #create(series: Series): Promise<void> {
    const { facts, name, count } = series;
    const at = address(series);
    const time = microTime(new Date());
    await this.#options.connection.request({
      method: 'POST',
      path: collectionPath(at, at.namespace),
      body: {
        apiVersion: at.apiVersion,
        kind: 'Event',
        metadata: { name, namespace: at.namespace },
        eventTime: time,
        reportingController: COMPONENT,
        reportingInstance: this.#options.instance.slice(0, 128),
        regarding: facts.regarding,
        type: facts.type,
        reason: facts.reason,
        action: facts.action,
        note: cutBytes(facts.note, NOTE_BYTES),
        ...(count > 1 ? { series: { count, lastObservedTime: time } } : {}),
      },
      deadlineMs: DEADLINE_MS,
    });
  }

  /** False when the server has forgotten the event, as it does after an hour. */
  async #patch(series: Series): Promise<boolean> {
    try {
      await this.#options.connection.request({
        method: 'PATCH',
        path: objectPath(address(series)),
        contentType: 'application/merge-patch+json',
        body: { series: { count: series.count, lastObservedTime: microTime(new Date()) } },
        deadlineMs: DEADLINE_MS,
      });
      return true;
    } catch (thrown) {
      if (isKubeError(thrown, 'NotFound')) return false;
      throw thrown;
    }
  }
}

function address({ name, facts }: Series): ObjectAddress & { readonly namespace: string } {
  const namespace = facts.regarding.namespace ?? 'default';
  return { apiVersion: 'events.k8s.io/v1', plural: 'events', namespace, name };
}

function objectKey({ apiVersion, kind, namespace, name, uid }: Regarding): string {
  return [apiVersion, kind, namespace, name, uid].join('\n');
}

function seriesKey({ regarding, reason, note }: EventFacts): string {
  return [objectKey(regarding), reason, note].join('\n');
}

/** The longest beginning of whole characters that fits. */
function cutBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  // A decoder that streams keeps back a character that was cut off.
  return `${new TextDecoder().decode(bytes.subarray(0, limit - 3), { stream: true })}…`;
}
