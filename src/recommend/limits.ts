import { roundReadable } from './rounding.ts';
import type { LimitRule } from './settings.ts';
import type { Resource } from './usage.ts';

export interface LimitInput {
  readonly resource: Resource;
  readonly rule: LimitRule;
  /** New request in cores or bytes; undefined where there is none. */
  readonly request: number | undefined;
  readonly current: { readonly request: number | undefined; readonly limit: number | undefined };
  /** The request is held, so that a limit that is there must not fall either. */
  readonly isHeld: boolean;
  /** Too little is known of its use for a first number: the limit stays as it is, and where there is none, there is none. */
  readonly isUnknown: boolean;
}

/**
 * The limit that goes with a request, in cores or bytes; undefined for none.
 * Ratio keeps the ratio that the workload has now, and the limit itself where there is no ratio.
 */
export function limitFor(input: LimitInput): number | undefined {
  const { current, isHeld, isUnknown } = input;
  if (isUnknown) return current.limit;
  const wanted = limitByRule(input);
  if (!isHeld || current.limit === undefined) return wanted;
  return wanted === undefined ? current.limit : Math.max(wanted, current.limit);
}

function limitByRule({ resource, rule, request, current }: LimitInput): number | undefined {
  if (rule.strategy === 'None') return undefined;
  if (rule.strategy === 'Keep' || request === undefined) return current.limit;
  if (rule.strategy === 'Headroom') {
    return rule.headroom === 0 ? request : roundReadable(resource, request * (1 + rule.headroom));
  }
  if (current.limit === undefined || !current.request) return current.limit;
  const ratio = current.limit / current.request;
  return ratio === 1 ? request : roundReadable(resource, request * ratio);
}
