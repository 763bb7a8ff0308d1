import { formatCpu, formatMemory } from '../api/quantity.ts';
import type { Amounts, Sizes } from '../recommend/usage.ts';
import type { Json } from './json.ts';

/** `{ requests: { cpu: '250m' } }`: what is stated and nothing else, so that a merge leaves the rest alone. */
export function resourcesOf({ requests, limits }: Sizes): Json {
  return { ...listOf('requests', requests), ...listOf('limits', limits) };
}

function listOf(field: keyof Sizes, { cpu, memory }: Amounts): Json {
  if (cpu === undefined && memory === undefined) return {};
  return {
    [field]: {
      ...(cpu !== undefined && { cpu: formatCpu(cpu) }),
      ...(memory !== undefined && { memory: formatMemory(memory) }),
    },
  };
}
