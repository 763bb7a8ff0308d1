import type { Observation } from '../api/conditions.ts';
import type { UsageFailure } from './ports.ts';

interface Counts {
  readonly workloads: number;
  readonly owned: number;
  /** Of the owned, how many wait for their usage to be read for the first time. */
  readonly unread: number;
  readonly failing: number;
  readonly failure: UsageFailure | undefined;
}

const LONGEST_MESSAGE = 1024;

/** What a policy has to say of itself; `windowProblems` are of windows that never open. */
export function policyObservations(
  counts: Counts,
  windowProblems: readonly string[],
): readonly Observation[] {
  const ready = readyObservations(counts);
  if (windowProblems.length === 0) return ready;
  const message = `Windows that are never open hold savings: ${windowProblems.join('; ')}.`;
  return [
    ...ready,
    {
      type: 'WindowsInvalid',
      status: 'True',
      reason: 'ScheduleUnreadable',
      message: message.slice(0, LONGEST_MESSAGE),
    },
  ];
}

function readyObservations(counts: Counts): readonly Observation[] {
  if (counts.workloads === 0) {
    return [
      {
        type: 'Ready',
        status: 'True',
        reason: 'NoWorkloadsMatch',
        message: 'The selector matches no workload.',
      },
    ];
  }
  if (counts.failure !== undefined) {
    return [
      {
        type: 'Ready',
        status: 'False',
        reason: counts.failure.reason,
        message: `Usage of ${counts.failing} of ${counts.owned} workloads cannot be read, their last recommendations stay: ${counts.failure.message}`,
      },
    ];
  }
  if (counts.unread > 0) {
    return [
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'ReadingHistory',
        message: `Usage of ${counts.unread} of ${counts.owned} workloads is being read for the first time.`,
      },
    ];
  }
  return [
    {
      type: 'Ready',
      status: 'True',
      reason: counts.owned === 0 ? 'OthersGoFirst' : 'Recommending',
      message:
        counts.owned === 0
          ? 'Every workload that the selector matches has a policy that goes before this one.'
          : `${counts.owned} of ${counts.workloads} matching workloads are sized by this policy.`,
    },
  ];
}
