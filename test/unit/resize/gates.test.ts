import assert from 'node:assert/strict';
import { LANES, type Lane } from '../../../src/resize/changes.ts';
import {
  firstGate,
  GATE_REASONS,
  type GateReason,
  type Situation,
} from '../../../src/resize/gates.ts';
import { MI, NOW, SITUATION } from './builders.ts';

interface GateCase {
  readonly reason: GateReason;
  readonly situation: Partial<Situation>;
  /** The lanes that it lets through. */
  readonly passes: readonly Lane[];
}

const URGENT: readonly Lane[] = ['Rescue', 'Return'];
const NOT_SAVINGS: readonly Lane[] = ['Rescue', 'Return', 'Raise'];

/** Of what is cut short, and of evictions: no lane waits for these by itself. */
const SAID_OF_PODS: readonly GateReason[] = ['AtCeiling', 'NoNodeHasRoom'];

const CASES: readonly GateCase[] = [
  { reason: 'Suspended', situation: { suspendedBy: 'policy a/b' }, passes: [] },
  { reason: 'NamespaceProtected', situation: { isNamespaceProtected: true }, passes: [] },
  { reason: 'RollingOut', situation: { isRollingOut: true }, passes: URGENT },
  { reason: 'NotReady', situation: { isReady: false }, passes: URGENT },
  { reason: 'EvidenceMissing', situation: { evidence: 'Missing' }, passes: URGENT },
  { reason: 'EvidenceStale', situation: { evidence: 'Stale' }, passes: URGENT },
  { reason: 'EvidenceCensored', situation: { evidence: 'Censored' }, passes: NOT_SAVINGS },
  { reason: 'VPAOwns', situation: { vpa: 'web' }, passes: [] },
  { reason: 'OtherManager', situation: { otherManager: 'krr' }, passes: [] },
  { reason: 'PodLevelResources', situation: { hasPodResources: true }, passes: [] },
  { reason: 'HPAOwnsCPU', situation: { autoscaled: ['cpu'] }, passes: [] },
  {
    reason: 'HPAOwnsMemory',
    situation: { autoscaled: ['memory'], resource: 'memory' },
    passes: [],
  },
  { reason: 'WouldRestart', situation: { restarts: true }, passes: [] },
  {
    reason: 'BelowCurrentUsage',
    situation: { newMemoryLimit: { to: 109 * MI, used: 100 * MI } },
    passes: [],
  },
  { reason: 'OutsideWindow', situation: { isInWindow: false }, passes: NOT_SAVINGS },
  { reason: 'Cooldown', situation: { cooldownUntilSeconds: NOW + 1 }, passes: URGENT },
  { reason: 'PodBudget', situation: { freePods: 0 }, passes: URGENT },
  { reason: 'FleetBudget', situation: { freeFleet: 0 }, passes: URGENT },
  { reason: 'QuotaExceeded', situation: { overQuota: 'No room.' }, passes: ['Return'] },
  { reason: 'PDB', situation: { evicts: true, disruptionRefused: 'No more.' }, passes: [] },
  {
    reason: 'DryRunRefused',
    situation: { refused: { reason: 'DryRunRefused', message: 'Over quota.' } },
    passes: [],
  },
  { reason: 'BreakerOpen', situation: { isBreakerOpen: true }, passes: NOT_SAVINGS },
  { reason: 'Backoff', situation: { backoffUntilSeconds: NOW + 1 }, passes: ['Return'] },
  {
    reason: 'Infeasible',
    situation: { refused: { reason: 'Infeasible', message: 'Too big for the node.' } },
    passes: [],
  },
  {
    reason: 'AdmissionUnavailable',
    situation: { mode: 'Admission', isAdmissionAvailable: false },
    passes: [],
  },
  { reason: 'PermissionMissing', situation: { missingPermission: 'Apply x.yaml.' }, passes: [] },
];

describe('gates', () => {
  it('lets a change through that nothing speaks against', () => {
    for (const lane of LANES) assert.equal(firstGate({ ...SITUATION, lane }), undefined);
  });

  it('is tested for each reason, in their order', () => {
    assert.deepEqual(
      CASES.map(({ reason }) => reason),
      GATE_REASONS.filter((reason) => !SAID_OF_PODS.includes(reason)),
    );
  });

  for (const { reason, situation, passes } of CASES) {
    it(`holds for ${reason}, apart from ${passes.join(', ') || 'nothing'}`, () => {
      for (const lane of LANES) {
        const want = passes.includes(lane) ? undefined : reason;
        assert.equal(firstGate({ ...SITUATION, ...situation, lane })?.reason, want, lane);
      }
    });
  }

  it('names the gate that is asked first where several hold', () => {
    for (const [index, { situation, reason }] of CASES.entries()) {
      for (const other of CASES.slice(index + 1)) {
        // Two that say different things of the same field cannot both hold.
        const isSplit = Object.keys(situation).some((key) => key in other.situation);
        // Nor does an eviction restart a container.
        const isEviction = reason === 'WouldRestart' && other.situation.evicts === true;
        if (isSplit || isEviction) continue;
        const both = firstGate({ ...SITUATION, ...other.situation, ...situation });
        assert.equal(both?.reason, reason, `${reason} before ${other.reason}`);
      }
    }
  });

  it('says a reason in a sentence', () => {
    for (const { situation } of CASES) {
      assert.match(firstGate({ ...SITUATION, ...situation })?.message ?? '', /^[A-Z].*\.$/);
    }
  });

  it('holds a memory limit that comes down while use is not known', () => {
    const newMemoryLimit = { to: 100 * MI, used: undefined };
    assert.equal(firstGate({ ...SITUATION, newMemoryLimit })?.reason, 'BelowCurrentUsage');
  });

  it('lets a memory limit down to an eighth above use', () => {
    const newMemoryLimit = { to: 113 * MI, used: 100 * MI };
    assert.equal(firstGate({ ...SITUATION, newMemoryLimit }), undefined);
  });

  it('lets a container restart under Recreate', () => {
    assert.equal(firstGate({ ...SITUATION, restarts: true, mayRestart: true }), undefined);
  });

  it('does not ask for the room to disrupt where nothing is evicted', () => {
    assert.equal(firstGate({ ...SITUATION, disruptionRefused: 'No more.' }), undefined);
  });

  it('evicts nothing where new pods are not sized', () => {
    const held = firstGate({ ...SITUATION, evicts: true, isAdmissionAvailable: false });
    assert.equal(held?.reason, 'AdmissionUnavailable');
  });

  it('is over when its time is', () => {
    const over = { cooldownUntilSeconds: NOW, backoffUntilSeconds: NOW };
    assert.equal(firstGate({ ...SITUATION, ...over }), undefined);
  });
});
