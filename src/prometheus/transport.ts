import { createConnection, DEFAULT_CONCURRENCY, type Connection } from './connection.ts';
import { PrometheusError } from './prometheuserror.ts';
import { Governor, type GovernorState, type Meter } from './governor.ts';
import type { CallKind, PrometheusOptions } from './options.ts';

const DEFAULT_TIMEOUT_SECONDS = 60;
/** Of the deadline: an answer that begins later says that the server has too much to do. */
const SLOW_SHARE = 0.25;

/** What one attempt of a call may use. */
export interface Attempt {
  readonly connection: Connection;
  readonly timeoutSeconds: number;
  readonly meter: Meter;
}

interface AttemptOf {
  readonly kind: CallKind;
  readonly signal: AbortSignal;
  /** See `Governor`. */
  readonly isUrgent?: boolean | undefined;
}

/** What all calls to one server go through, whatever their form: sockets, credentials, budgets and figures. */
export interface Transport {
  /**
   * Runs one attempt within the budgets and tells `onCall` of it. Secrets are taken out of the messages of its
   * PrometheusErrors, as a server may say again what it was sent.
   */
  attempt<T>(of: AttemptOf, run: (attempt: Attempt) => Promise<T>): Promise<T>;
  readonly state: GovernorState;
  close(): void;
}

/** Throws for options that can never work, such as a URL that is none. */
export function createTransport(options: PrometheusOptions): Transport {
  const connection = createConnection(options);
  const timeoutSeconds = options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const governor = new Governor({
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    bytesPerSecond: options.bytesPerSecond ?? Infinity,
    samplesPerSecond: options.samplesPerSecond ?? Infinity,
    share: options.share ?? Infinity,
    slowSeconds: timeoutSeconds * SLOW_SHARE,
  });
  return {
    attempt: ({ kind, signal, isUrgent = false }, run) =>
      governor.run(
        async (meter) => {
          const counted = counting(meter);
          const attempt = { connection, timeoutSeconds, meter: counted };
          const report = reporter(options, kind, counted);
          try {
            const result = await run(attempt);
            report('Ok');
            return result;
          } catch (error) {
            if (!(error instanceof PrometheusError)) throw error;
            report(error.reason);
            throw withoutSecrets(error, connection);
          }
        },
        { signal, isUrgent },
      ),
    get state() {
      return governor.state;
    },
    close: () => connection.close(),
  };
}

interface CountedMeter extends Meter {
  readonly bytes: number;
  readonly samples: number;
}

function counting(meter: Meter): CountedMeter {
  let bytes = 0;
  let samples = 0;
  return {
    waitedSeconds: meter.waitedSeconds,
    began: () => meter.began(),
    took(moreBytes, moreSamples) {
      bytes += moreBytes;
      samples += moreSamples;
      meter.took(moreBytes, moreSamples);
    },
    get bytes() {
      return bytes;
    },
    get samples() {
      return samples;
    },
  };
}

function reporter(
  { onCall }: PrometheusOptions,
  kind: CallKind,
  meter: CountedMeter,
): (outcome: 'Ok' | PrometheusError['reason']) => void {
  const started = performance.now();
  return (outcome) =>
    onCall?.({
      kind,
      seconds: (performance.now() - started) / 1000,
      waitedSeconds: meter.waitedSeconds,
      bytes: meter.bytes,
      samples: meter.samples,
      outcome,
    });
}

/** The cause goes too: it may hold a piece of the body. */
function withoutSecrets(error: PrometheusError, connection: Connection): PrometheusError {
  const { reason, message, tooLarge, isOfOwnFile, retry, todo } = error;
  const more = { tooLarge, isOfOwnFile, retry, todo };
  return new PrometheusError(reason, connection.redact(message), more);
}
