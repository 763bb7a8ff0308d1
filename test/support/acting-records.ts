import assert from 'node:assert/strict';
import type { ChangeEntry } from '../../src/api/history.ts';
import type { Scene } from './acting.ts';
import { within } from './acting-pods.ts';
import { recommendationsIn, type StoredRecommendation } from './own-objects.ts';

/** The Recommendation of a workload, such as `deployment-web`. */
export async function recommendationOf(scene: Scene, name: string): Promise<StoredRecommendation> {
  const found = (await recommendationsIn(scene.connection, scene.namespace)).get(name);
  assert.ok(found, `Recommendation ${name}`);
  return found;
}

/** As soon as its state is as stated, such as `Held:PDB`. */
export function stateIs(
  scene: Scene,
  name: string,
  state: string | RegExp,
  seconds = 240,
): Promise<StoredRecommendation> {
  return within(seconds, async () => {
    const found = await recommendationOf(scene, name);
    const is = found.status?.summary?.status ?? 'none';
    assert.ok(
      typeof state === 'string' ? is === state : state.test(is),
      `${name}: the state is ${is}, and not ${String(state)}; ${JSON.stringify(heldOf(found))}`,
    );
    return found;
  });
}

/** What the condition says, `True TakenBack: …`. */
export function heldOf(found: StoredRecommendation): string {
  const held = found.status?.conditions?.find(({ type }) => type === 'Held');
  return held === undefined ? 'not held' : `${held.reason}: ${held.message}`;
}

export function changesOf({ status }: StoredRecommendation): readonly ChangeEntry[] {
  return status?.history ?? [];
}

/** `Savings Resize Fine`, of each change, in their order. */
export function changeWords(found: StoredRecommendation): string {
  const words = changesOf(found).map(({ lane, method, outcome }) => `${lane} ${method} ${outcome}`);
  return words.length === 0 ? 'no change' : words.join(', ');
}
