import type { Resource } from './usage.ts';

/** How a limit follows from its request; `headroom` is a share of the request. */
export type LimitRule =
  | { readonly strategy: 'None' }
  | { readonly strategy: 'Keep' }
  | { readonly strategy: 'Ratio' }
  | { readonly strategy: 'Headroom'; readonly headroom: number };

export interface Range {
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** What the policy says of one resource of one container. */
export interface ResourceSettings {
  /** CPU: share of time over the request. Memory: share of pod-days over the limit. 0 to 1. */
  readonly risk: number;
  readonly limit: LimitRule;
  readonly bounds: Range;
  /** Bounds of the cluster policy that no namespaced policy can pass. */
  readonly guardrails: Range;
  readonly mayIncrease: boolean;
  readonly mayDecrease: boolean;
}

/** What the policy says of one container, in numbers. */
export interface ContainerSettings {
  readonly resources: Readonly<Record<Resource, ResourceSettings>>;
  /** Share of the containers that must keep the CPU risk, 0 to 1. */
  readonly confidence: number;
  readonly cadence: 'Steady' | 'Tracking';
  readonly windowSeconds: number;
  readonly minimumSeconds: number;
  /** Age at which a CPU sample counts half. */
  readonly halfLifeSeconds: number;
  /** Share of the present request below which a change is not worth one. */
  readonly minimumChange: number;
}
