import { MOST_CHANGES, type ChangeEntry } from '../api/history.ts';
import { QuantityError } from '../api/quantity.ts';
import { formatTime, parseTime } from '../api/timestamp.ts';
import type { Sizes } from '../recommend/usage.ts';
import { furthestRescues, trimmed, type ChangeRecord } from '../resize/changes.ts';
import { knownAmounts, quantities } from './status.ts';

const LONGEST_WHY = 512;
/** What the schema takes. */
const MOST_ENTRIES = 64;

/** Records as they stand in status: the newest last, no more than are needed. Times are whole seconds. */
export function historyOf(records: readonly ChangeRecord[]): ChangeEntry[] {
  return fitting(trimmed(records, MOST_CHANGES, MOST_ENTRIES)).map(entryOf);
}

/**
 * Where more are watched than there is room for, the oldest raises go first: there is nothing to take back of them. Those
 * that went furthest stay, as what new pods get rests on them.
 */
function fitting(records: readonly ChangeRecord[]): readonly ChangeRecord[] {
  const over = Math.max(0, records.length - MOST_ENTRIES);
  const furthest = furthestRescues(records);
  const raises = records.filter(
    (record) => (record.lane === 'Raise' || record.lane === 'Rescue') && !furthest.includes(record),
  );
  const dropped = new Set(raises.slice(0, over));
  return records.filter((record) => !dropped.has(record)).slice(-MOST_ENTRIES);
}

function entryOf(record: ChangeRecord): ChangeEntry {
  const { lane, method, pods, signalSeconds, outcome, outcomeSeconds, failures, before } = record;
  return {
    time: formatTime(record.atSeconds),
    lane,
    method,
    pods,
    containers: record.containers.map(({ name, from, to }) => ({
      name,
      from: sizesText(from),
      to: sizesText(to),
    })),
    // A character that was cut in two would come back as another one, and be written again and again.
    why: record.why.slice(0, LONGEST_WHY).toWellFormed(),
    ...(signalSeconds !== undefined && { signalTime: formatTime(signalSeconds) }),
    outcome,
    ...(outcomeSeconds !== undefined && { outcomeTime: formatTime(outcomeSeconds) }),
    ...(failures !== undefined && { failures }),
    before: { ...before },
  };
}

function sizesText({ requests, limits }: Sizes): ChangeEntry['containers'][number]['from'] {
  return { requests: quantities(requests), limits: quantities(limits) };
}

/** Records as they were written; one whose time or sizes cannot be read is left out. */
export function recordsOfHistory(
  history: readonly ChangeEntry[] | undefined,
): readonly ChangeRecord[] {
  return (history ?? []).flatMap((entry) => {
    const atSeconds = parseTime(entry.time);
    const containers = changesOf(entry);
    if (atSeconds === undefined || containers === undefined) return [];
    const outcomeSeconds =
      entry.outcomeTime === undefined ? undefined : parseTime(entry.outcomeTime);
    const signalSeconds = entry.signalTime === undefined ? undefined : parseTime(entry.signalTime);
    const { lane, method, pods, why, outcome, failures, before } = entry;
    const record: ChangeRecord = {
      atSeconds,
      lane,
      method,
      pods,
      containers,
      why,
      outcome,
      before,
      ...(signalSeconds !== undefined && { signalSeconds }),
      ...(outcomeSeconds !== undefined && { outcomeSeconds }),
      ...(failures !== undefined && { failures }),
    };
    return [record];
  });
}

function changesOf({ containers }: ChangeEntry): ChangeRecord['containers'] | undefined {
  try {
    return containers.map(({ name, from, to }) => ({
      name,
      from: sizesOfText(from),
      to: sizesOfText(to),
    }));
  } catch (thrown) {
    if (thrown instanceof QuantityError) return undefined;
    throw thrown;
  }
}

export function sizesOfText({
  requests,
  limits,
}: ChangeEntry['containers'][number]['from']): Sizes {
  return { requests: knownAmounts(requests), limits: knownAmounts(limits) };
}
