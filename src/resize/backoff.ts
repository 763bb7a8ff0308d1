import { isOfNewPods, setsSame, type ChangeRecord } from './changes.ts';

/** The longest pause between two tries. */
const LONGEST_SECONDS = 30 * 86_400;

/** Changes in a row that were taken back, as of the last that was judged; a fine one of savings begins anew. */
export function failuresInARow(records: readonly ChangeRecord[]): number {
  const last = lastJudged(records);
  return last?.outcome === 'TakenBack' ? (last.failures ?? 1) : 0;
}

/**
 * No savings before this: after the first that was taken back a pause of `baseSeconds`, doubled with each more in a
 * row, 30 days at most. Undefined when the last savings were fine.
 */
export function backoffUntil(
  records: readonly ChangeRecord[],
  baseSeconds: number,
): number | undefined {
  const last = lastJudged(records);
  if (last?.outcome !== 'TakenBack') return undefined;
  const pause = baseSeconds * 2 ** ((last.failures ?? 1) - 1);
  return judgedSeconds(last) + Math.min(pause, LONGEST_SECONDS);
}

function lastJudged(records: readonly ChangeRecord[]): ChangeRecord | undefined {
  return records
    .filter((record) => record.outcome === 'TakenBack' || isNewBeginning(record, records))
    .toSorted((a, b) => judgedSeconds(a) - judgedSeconds(b))
    .at(-1);
}

/** New pods that are fine with what did no harm before tell nothing of what did. */
function isNewBeginning(record: ChangeRecord, records: readonly ChangeRecord[]): boolean {
  if (record.lane !== 'Savings' || record.outcome !== 'Fine') return false;
  return (
    !isOfNewPods(record) ||
    records.some((other) => other.outcome === 'TakenBack' && setsSame(other, record))
  );
}

/** When the outcome was known; when the change was made, where that was not written down. */
export function judgedSeconds({ outcomeSeconds, atSeconds }: ChangeRecord): number {
  return outcomeSeconds ?? atSeconds;
}
