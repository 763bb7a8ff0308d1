import { sizeCpu } from './sizecpu.ts';
import { sizeMemory } from './sizememory.ts';
import type { Sizing, SizingInput } from './sizing.ts';
import type { Resource } from './usage.ts';

/**
 * Walks over the hours of the window from its beginning, or goes on from where an earlier look stood when today began.
 * Each hour is held against the amount that the hours before it asked for, and the risk budget is charged with what went
 * over it: so the state of the budget follows from history, and a restart forgets nothing. Nothing after an hour has any
 * effect on it.
 */
export function size(resource: Resource, input: SizingInput): Sizing {
  return resource === 'cpu' ? sizeCpu(input) : sizeMemory(input);
}
