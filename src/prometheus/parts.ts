import { isTooLarge } from './prometheuserror.ts';

/** The items in their order, at most `size` in a group. */
export function groupsOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const groups: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += size) groups.push(items.slice(i, i + size));
  return groups;
}

/** Asks for half of the items each where all are too many for one answer, down to one item. */
export async function askInParts<T, R>(
  items: readonly T[],
  ask: (part: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  try {
    return await ask(items);
  } catch (error) {
    if (!isTooLarge(error) || items.length < 2) throw error;
    const middle = Math.ceil(items.length / 2);
    const first = await askInParts(items.slice(0, middle), ask);
    return [...first, ...(await askInParts(items.slice(middle), ask))];
  }
}
