import type { CalibrationStatus } from '../api/calibration.ts';
import type { Observation } from '../api/conditions.ts';
import { formatPercent } from '../api/percent.ts';
import type { PolicyStatus } from '../api/policy.ts';
import { readableCpu, readableMemory } from '../api/quantity.ts';
import { formatTime } from '../api/timestamp.ts';
import { LEVELS } from '../recommend/sizing.ts';
import type { Resource } from '../recommend/usage.ts';
import {
  notKept,
  type Calibration,
  type ResourceCalibration,
  type Verdict,
  type Verdicts,
} from './calibration.ts';

const UNJUDGED: Verdicts = { cpu: 'TooLittleData', memory: 'TooLittleData' };

/** What a policy's own status says of its promises, so that a restart forgets nothing. */
export function verdictsOf(status: PolicyStatus | undefined): Verdicts {
  const { calibration } = status ?? {};
  if (calibration === undefined) return UNJUDGED;
  return { cpu: calibration.cpu.verdict, memory: calibration.memory.verdict };
}

/** The UTC day, `2027-01-15`. */
function dayOf(seconds: number): string {
  return formatTime(seconds).slice(0, 10);
}

/** A calibration as the API has it: figures for people, rounded to what matters. */
export function calibrationStatus(
  { cpu, memory }: Calibration,
  nowSeconds: number,
): CalibrationStatus {
  return {
    day: dayOf(nowSeconds),
    summary: {
      kept: cpu.kept === undefined ? '-' : `${downTo(cpu.kept)} of ${exact(cpu.of)}`,
      cpu: riskText(cpu),
      memory: riskText(memory),
    },
    cpu: resourceStatus('cpu', cpu),
    memory: resourceStatus('memory', memory),
  };
}

function riskText({ realised, promised }: ResourceCalibration): string {
  if (realised === undefined) return '-';
  return `${realised === 0 ? '0' : formatPercent(realised)} of ${formatPercent(promised)}`;
}

function resourceStatus(
  resource: Resource,
  calibration: ResourceCalibration,
): CalibrationStatus['cpu'] {
  const { verdict, kept, promised, realised, judged, live, requested, recommended } = calibration;
  return {
    verdict,
    rule: ruleSentence(resource, calibration),
    ...(kept !== undefined && { kept: downTo(kept) }),
    of: exact(calibration.of),
    promised: formatPercent(promised),
    ...(realised !== undefined && { realised: formatPercent(realised) }),
    containers: judged,
    live,
    requested: amountText(resource, requested),
    recommended: amountText(resource, recommended),
    cost: costSentence(resource, calibration),
    curve: LEVELS.map((risk, index) => ({
      risk: formatPercent(risk),
      requests: amountText(resource, calibration.curve[index] ?? 0),
    })),
  };
}

function ruleSentence(resource: Resource, { promised, of }: ResourceCalibration): string {
  return resource === 'cpu'
    ? `In ${exact(of)} of the containers CPU use is over the request for at most ${formatPercent(promised)} of the time.`
    : `Memory use is over the limit on at most ${formatPercent(promised)} of the days of all containers.`;
}

/** `Recommended: 31 cores, 40 are requested now. 27 at 10%, 31 at 5%, 35 at 2%, 38 at 1%, 41 at 0.5%.` */
function costSentence(
  resource: Resource,
  { requested, recommended, curve }: ResourceCalibration,
): string {
  const text = (amount: number) => amountText(resource, amount);
  const unit = resource === 'cpu' ? ' cores' : '';
  const levels = LEVELS.map(
    (risk, index) => `${text(curve[index] ?? 0)} at ${formatPercent(risk)}`,
  );
  return `Recommended: ${text(recommended)}${unit}, now requested: ${text(requested)}${unit}. By risk: ${levels.join(', ')}.`;
}

function amountText(resource: Resource, amount: number): string {
  return resource === 'cpu' ? readableCpu(amount) : readableMemory(amount);
}

/** Rounded down, so that 94.96% does not read as the 95% that it misses. */
function downTo(share: number): string {
  return `${Math.floor(Number((share * 1000).toFixed(6))) / 10}%`;
}

function exact(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}

/** Whether the promises of a policy are kept; one that is broken goes before one that cannot be judged yet. */
export function riskObservation(calibration: Calibration): Observation {
  const broken = notKept({ cpu: calibration.cpu.verdict, memory: calibration.memory.verdict });
  const texts = [cpuSentence(calibration.cpu), memorySentence(calibration.memory)];
  if (broken.length > 0) {
    return {
      type: 'RiskKept',
      status: 'False',
      reason: REASONS[broken.join()] ?? 'RiskNotKept',
      message: `Worse than promised by more than chance: ${texts.join(' ')} ${brokenSentence(broken)}`,
    };
  }
  const reason = unbrokenReason([calibration.cpu.verdict, calibration.memory.verdict]);
  return {
    type: 'RiskKept',
    status: reason === 'Kept' ? 'True' : 'Unknown',
    reason,
    message: `${reason === 'WithinChance' ? 'Worse than promised, which may be chance: ' : ''}${texts.join(' ')}`,
  };
}

/** What is known goes before what is not yet; what is in doubt goes first. */
function unbrokenReason(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['WithinChance', 'Kept'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'TooLittleData';
}

const REASONS: Readonly<Record<string, string>> = {
  cpu: 'CPUNotKept',
  memory: 'MemoryNotKept',
  'cpu,memory': 'CPUAndMemoryNotKept',
};

function brokenSentence(broken: readonly Resource[]): string {
  const names = broken.map((resource) => (resource === 'cpu' ? 'CPU' : 'memory')).join(' and ');
  return `No request of ${names} is lowered until it is kept again; raising goes on.`;
}

const UNKNOWN = 'no container has 7 days to judge by yet.';

function cpuSentence({ kept, of, judged, live }: ResourceCalibration): string {
  if (kept === undefined) return `CPU: ${UNKNOWN}`;
  return `CPU: ${downTo(kept)} of ${judged} containers keep their risk, ${exact(of)} are promised${sourceText(judged, live)}.`;
}

function memorySentence({ realised, promised, judged, live }: ResourceCalibration): string {
  if (realised === undefined) return `Memory: ${UNKNOWN}`;
  return `Memory: over the limit on ${formatPercent(realised)} of the days of ${judged} containers, at most ${formatPercent(promised)} are promised${sourceText(judged, live)}.`;
}

function sourceText(judged: number, live: number): string {
  if (live === judged) return ', by what came after the recommendations';
  return live === 0 ? ', by replay' : `, ${live} of them by what came after, the others by replay`;
}
