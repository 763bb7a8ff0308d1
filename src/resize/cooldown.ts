import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { changesThatSet, lowered, raised, type ChangeRecord, type Lane } from './changes.ts';
import type { WantedInput } from './wanted.ts';

interface Cooling {
  readonly records: readonly ChangeRecord[];
  readonly rules: {
    readonly increaseCooldownSeconds: number;
    readonly decreaseCooldownSeconds: number;
  };
}

/**
 * A pod cools down after the change that set what it has: raises after a raise, savings after savings of the same, and
 * after whatever went up in it in need. A pod that a change has not reached yet may follow at once.
 */
export function cooldownUntil(
  { container, pod }: WantedInput,
  resource: Resource,
  lane: Lane,
  { records, rules }: Cooling,
): number | undefined {
  const changes = changesThatSet(container, resource, records);
  if (lane === 'Raise') {
    const raises = changes.filter((change) => raised(change).includes(resource));
    return after(raises, rules.increaseCooldownSeconds);
  }
  const savings = changes.filter((change) => lowered(change).includes(resource));
  const inNeed = pod.containers
    .flatMap((each) => RESOURCES.flatMap((of) => changesThatSet(each, of, records)))
    .filter((change) => change.lane === 'Rescue' || change.lane === 'Return');
  return after([...savings, ...inNeed], rules.decreaseCooldownSeconds);
}

function after(
  changes: readonly Pick<ChangeRecord, 'atSeconds'>[],
  seconds: number,
): number | undefined {
  if (changes.length === 0) return undefined;
  return Math.max(...changes.map(({ atSeconds }) => atSeconds)) + seconds;
}
