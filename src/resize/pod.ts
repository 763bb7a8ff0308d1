import type { QosClass } from '../recommend/qos.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';

/** What a container does, as of one look. Stale or missing figures are undefined, never zero. */
export interface ContainerUsage {
  readonly atSeconds: number;
  /** Working set. */
  readonly memoryBytes: number | undefined;
  readonly cpuCores: number | undefined;
  /** Throttled share of the CPU periods of the last minutes, 0 to 1. */
  readonly throttledShare: number | undefined;
  /** The oldest sample that the share rests on. */
  readonly throttledSinceSeconds: number | undefined;
  /** CPU demand was over the request for longer than its risk budget still allows. */
  readonly isCpuOverBudget: boolean;
}

export interface ContainerState {
  readonly name: string;
  /** Sidecar: an init container that runs beside the others. Init: one that ends; it is never resized. */
  readonly kind: 'Container' | 'Sidecar' | 'Init';
  /** What was asked for. */
  readonly spec: Sizes;
  /** `status.containerStatuses[].resources`, what the cgroup has; undefined while the container does not run. */
  readonly actual: Sizes | undefined;
  /** Resources whose resizePolicy is RestartContainer. */
  readonly restartsOn: readonly Resource[];
  /** When the container last ended, to start anew. */
  readonly restartedSeconds: number | undefined;
  readonly oomKilledSeconds: number | undefined;
  readonly usage: ContainerUsage | undefined;
}

/** The pod's conditions PodResizePending and PodResizeInProgress as one state. */
export type ResizeStatus =
  | { readonly state: 'None' }
  | {
      readonly state: 'InProgress' | 'Deferred' | 'Infeasible' | 'Error';
      readonly message: string;
      readonly sinceSeconds: number;
    };

/** A pod that has not ended. */
export interface PodState {
  readonly uid: string;
  readonly name: string;
  /** On which it is; undefined while it is on none. */
  readonly node: string | undefined;
  readonly createdSeconds: number;
  readonly isReady: boolean;
  /** Since when it is ready, or is not. */
  readonly readinessSeconds: number;
  readonly isTerminating: boolean;
  readonly generation: number;
  /** Generation that the kubelet has looked at; behind `generation` while a resize is not taken in. */
  readonly observedGeneration: number;
  readonly qos: QosClass;
  readonly containers: readonly ContainerState[];
  readonly resize: ResizeStatus;
}

/** What runs: the actual sizes where they are known, else those asked for. */
export function runningSizes({ actual, spec }: ContainerState): Sizes {
  return actual ?? spec;
}

/** Whether both ask for the same CPU and memory. */
export function sameSizes(a: Sizes, b: Sizes): boolean {
  return sameAmounts(a.requests, b.requests) && sameAmounts(a.limits, b.limits);
}

function sameAmounts(a: Amounts, b: Amounts): boolean {
  return RESOURCES.every((resource) => a[resource] === b[resource]);
}

/** What was asked for is what runs, as far as it is known. */
function isAsAsked({ containers }: PodState): boolean {
  return containers.every(
    ({ kind, spec, actual }) => kind === 'Init' || actual === undefined || sameSizes(spec, actual),
  );
}

/** A resize of it was asked for, and may still be carried out by itself. */
export function isUnderWay(pod: PodState): boolean {
  const { resize, generation, observedGeneration } = pod;
  if (resize.state === 'None') return observedGeneration < generation || !isAsAsked(pod);
  return resize.state === 'InProgress' || resize.state === 'Deferred';
}
