import { InvalidArgumentError, type Command } from 'commander';
import { parseDuration } from '../api/duration.ts';
import { parsePercent } from '../api/percent.ts';
import type { LedgerRules } from '../controller/ledger.ts';
import { BadInput, reading } from './failure.ts';

export interface ActingFlags {
  readonly signals: string;
  readonly maxPodsPerHour: number;
  readonly breaker: string;
}

/** Of fewer changes a share says nothing. */
const LEAST_JUDGED = 5;
const BREAKER_WINDOW_SECONDS = 3600;
const LONGEST_LOOK_SECONDS = 300;

/** Adds the flags by which an admin bounds what is changed in the cluster. */
export function withActingFlags(command: Command): Command {
  return command
    .option(
      '--signals <duration>',
      'time between two looks at what pods do that are acted on, up to 5m',
      '15s',
    )
    .option(
      '--max-pods-per-hour <number>',
      'most pods of the cluster that are changed within an hour, rescue not counted',
      podsPerHour,
      600,
    )
    .option(
      '--breaker <share>',
      `share of an hour's savings that may do harm, of ${LEAST_JUDGED} or more; above it savings stop everywhere`,
      '10%',
    );
}

function podsPerHour(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('write a number of pods from 0 to 999999, such as 600.');
}

/** Seconds between two looks; throws BadInput. */
export function parseSignals(text: string): number {
  const seconds = reading(() => parseDuration(text), '--signals');
  if (seconds <= LONGEST_LOOK_SECONDS) return seconds;
  throw new BadInput(`--signals: "${text}" is not from 1s to 5m`);
}

/** Throws BadInput. */
export function ledgerRules({ maxPodsPerHour, breaker }: ActingFlags): LedgerRules {
  const maxBadShare = reading(() => parsePercent(breaker), '--breaker');
  if (maxBadShare > 1) throw new BadInput(`--breaker: "${breaker}" is not from 0% to 100%`);
  return {
    maxPodsPerHour,
    breaker: { maxBadShare, leastJudged: LEAST_JUDGED, windowSeconds: BREAKER_WINDOW_SECONDS },
  };
}
