import type { PolicyStatus } from '../api/policy.ts';

/** What people are told when a policy says something new of itself. */
export interface PolicyNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/** What is worth an event and a line of log: another state, a promise that is broken, and one that is kept again. */
export function policyNotes(
  before: PolicyStatus | undefined,
  now: PolicyStatus,
): readonly PolicyNote[] {
  return [...readyNotes(before, now), ...riskNotes(before, now)];
}

function readyNotes(before: PolicyStatus | undefined, now: PolicyStatus): readonly PolicyNote[] {
  const ready = conditionOf(now, 'Ready');
  if (ready === undefined || ready.reason === conditionOf(before, 'Ready')?.reason) return [];
  const { status, reason, message } = ready;
  return [{ type: status === 'False' ? 'Warning' : 'Normal', reason, note: message }];
}

function riskNotes(before: PolicyStatus | undefined, now: PolicyStatus): readonly PolicyNote[] {
  const risk = conditionOf(now, 'RiskKept');
  const old = conditionOf(before, 'RiskKept');
  if (risk === undefined || risk.reason === old?.reason) return [];
  const { status, reason, message } = risk;
  if (status === 'False') return [{ type: 'Warning', reason, note: message }];
  // That a promise is kept from the beginning is nothing to tell.
  if (old?.status !== 'False') return [];
  return [{ type: 'Normal', reason: 'RiskKeptAgain', note: message }];
}

function conditionOf(status: PolicyStatus | undefined, type: string) {
  return status?.conditions?.find((each) => each.type === type);
}
