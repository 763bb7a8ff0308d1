import type { UsageFailure, UsageWarning } from '../controller/ports.ts';
import type { Answer } from './answer.ts';
import type { PrometheusClient } from './client.ts';
import { shortText } from './failure.ts';
import { PrometheusError } from './prometheuserror.ts';
import type { LabelMatcher } from './queries.ts';

/** Clocks that differ by more make the newest samples look missing, or not yet there. */
const TOLERATED_SKEW_SECONDS = 300;

/** Queries that wait longer for their turn make a reading late. */
const TOLERATED_HOLD_SECONDS = 60;

/** So many calls in a row that a server did not answer, or put off after all retries, say that it needs rest. */
const TOLERATED_FAILURES = 3;
/** Of questions that a server worked on for too long, and that are asked in halves: a batch comes down to one pod. */
const TOLERATED_TIMEOUTS = 10;

/**
 * One reading: what its calls share. A server that could not be reached after all retries, or that is too busy for
 * several calls in a row, is not called again in the same reading; warnings are kept once each.
 */
export interface Session {
  readonly signal: AbortSignal;
  readonly extra: readonly LabelMatcher[];
  /** Rejects with a PrometheusError, or on abort. */
  ask<T>(call: (client: PrometheusClient, signal: AbortSignal) => Promise<Answer<T>>): Promise<T>;
  warn(warning: UsageWarning): void;
  warnings(): readonly UsageWarning[];
}

export function createSession(
  client: PrometheusClient,
  extra: readonly LabelMatcher[],
  signal: AbortSignal,
): Session {
  const warnings = new Map<UsageWarning['reason'], UsageWarning>();
  const warn = (warning: UsageWarning): void => {
    if (!warnings.has(warning.reason)) warnings.set(warning.reason, warning);
  };
  let givenUp: PrometheusError | undefined;
  let busyCalls = 0;
  return {
    signal,
    extra,
    async ask(call) {
      signal.throwIfAborted();
      if (givenUp !== undefined) throw givenUp;
      try {
        const answer = await call(client, signal);
        busyCalls = 0;
        warningsOf(answer).forEach(warn);
        return answer.data;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof PrometheusError) {
          busyCalls = isBusy(error) ? busyCalls + 1 : 0;
          if (isUnreachable(error) || busyCalls >= toleratedOf(error)) givenUp = error;
        }
        throw error;
      }
    },
    warn,
    warnings: () => [...warnings.values()],
  };
}

function isUnreachable({ reason }: PrometheusError): boolean {
  return reason === 'PrometheusUnreachable';
}

function toleratedOf({ tooLarge }: PrometheusError): number {
  return tooLarge ? TOLERATED_TIMEOUTS : TOLERATED_FAILURES;
}

/** A question that was too large says nothing about the next one. */
function isBusy({ reason, tooLarge }: PrometheusError): boolean {
  return reason === 'PrometheusTimeout' || (reason === 'PrometheusOverloaded' && !tooLarge);
}

function warningsOf({
  warnings,
  aheadSeconds = 0,
  heldSeconds = 0,
}: Answer<unknown>): readonly UsageWarning[] {
  const found: UsageWarning[] = [];
  if (warnings.length > 0) {
    const message = `Prometheus says that its answer may be incomplete: ${shortText(warnings.join('; '))}`;
    found.push({ reason: 'PartialAnswer', message });
  }
  if (Math.abs(aheadSeconds) > TOLERATED_SKEW_SECONDS) {
    const direction = aheadSeconds > 0 ? 'ahead of' : 'behind';
    const message = `the clock of Prometheus is ${Math.round(Math.abs(aheadSeconds))} s ${direction} ours`;
    found.push({ reason: 'ClockSkew', message });
  }
  if (heldSeconds > TOLERATED_HOLD_SECONDS) {
    const message = `budgets hold back the reading of usage, rather than to press Prometheus: a query waited ${Math.round(heldSeconds)} s`;
    found.push({ reason: 'BudgetHeld', message });
  }
  return found;
}

/** What a failed call means for the workloads that it was for. Throws on what is no failure of Prometheus. */
export function usageFailure(error: unknown, doing: string): UsageFailure {
  if (!(error instanceof PrometheusError)) throw error;
  const { reason, message, todo } = error;
  return { reason, message: `${doing}: ${message}${todo === undefined ? '' : `; ${todo}`}` };
}

/**
 * Runs over the items with at most `limit` under way; rejects with the first that rejects, or with what the items
 * themselves end with, once none is under way.
 */
export async function eachLimited<T>(
  items: readonly T[] | AsyncGenerator<T>,
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = 'next' in items ? items : items.values();
  let failed: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failed ??= { error };
  };
  const workers = Array.from({ length: limit }, async () => {
    try {
      for await (const item of queue) {
        // Known before the loop is left, which waits until the next item is there.
        if (failed === undefined) await run(item).catch(fail);
        if (failed !== undefined) return;
      }
    } catch (error) {
      fail(error);
    }
  });
  await Promise.all(workers);
  if (failed !== undefined) throw failed.error;
}
