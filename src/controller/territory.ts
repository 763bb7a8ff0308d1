import type { Figures } from './figures.ts';

/** The part of the cluster that is an instance's to work on. */
export interface Territory {
  readonly shards: number;
  /** Whether objects of the namespace are this instance's now; undefined: those of no namespace. */
  owns(namespace: string | undefined): boolean;
  /** Tells the other shards this one's part of what a policy is judged by; undefined: it is not known. */
  publish(policyKey: string, figures: Figures | undefined): void;
  /** The parts of all other shards; undefined while one of them is not known. */
  figuresOfOthers(policyKey: string): readonly Figures[] | undefined;
}

/** Of an instance that shares with nobody. */
export const EVERYTHING: Territory = {
  shards: 1,
  owns: () => true,
  publish: () => undefined,
  figuresOfOthers: () => [],
};
