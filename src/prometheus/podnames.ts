import type { WorkloadKind, WorkloadRef } from '../controller/ports.ts';

/** The letters of generated name parts: no vowels, and none of 0, 1, 3 (k8s.io/apimachinery, util/rand). */
const SAFE = '[bcdfghjklmnpqrstvwxz2456789]';
const RANDOM_END = new RegExp(`^(.+)-${SAFE}{5}$`);
/**
 * A pod-template-hash is a number below 2^32 in safe letters: 10 characters mostly, 1 at the least. Six and more
 * are taken, which loses one ReplicaSet in 40,000, and keeps words such as `db`, `mq` or `tls` from being hashes.
 */
const TEMPLATE_HASH_END = new RegExp(`^(.+)-${SAFE}{6,10}$`);
/** The CronJob's scheduled minute since 1970: 8 digits since 1989. */
const SCHEDULE_END = /^(.+)-\d{8,}$/;
const INDEX_END = /^(.+)-\d+$/;

/** Workloads by kind and name, of one namespace. */
export type Siblings = ReadonlyMap<string, WorkloadRef>;

export function siblingsOf(workloads: readonly WorkloadRef[]): Siblings {
  return new Map(workloads.map((ref) => [siblingKey(ref.kind, ref.name), ref]));
}

/**
 * The one workload whose controller would name a pod so; undefined when there is none, or when two could have:
 * `web-db-x7k2p` may be of the DaemonSet `web-db` as well as of the Deployment `web`, were its hash `db`.
 */
export function ownerByName(pod: string, siblings: Siblings): WorkloadRef | undefined {
  return theOnly(siblings, [
    ...setNames(pod),
    ...replicaSetNames(pod).flatMap(templateOwnerNames),
    ...jobNamesOfPod(pod).flatMap(jobOwnerNames),
  ]);
}

/** The same for a ReplicaSet whose own owner is not known. */
export function replicaSetOwnerByName(
  replicaSet: string,
  siblings: Siblings,
): WorkloadRef | undefined {
  return theOnly(siblings, templateOwnerNames(replicaSet));
}

/** The same for a Job. */
export function jobOwnerByName(job: string, siblings: Siblings): WorkloadRef | undefined {
  return theOnly(siblings, jobOwnerNames(job));
}

type Named = readonly [kind: WorkloadKind, name: string];

function theOnly(siblings: Siblings, named: readonly Named[]): WorkloadRef | undefined {
  const keys = new Set(named.map(([kind, name]) => siblingKey(kind, name)));
  const owners = [...keys].flatMap((key) => siblings.get(key) ?? []);
  return owners.length === 1 ? owners[0] : undefined;
}

function siblingKey(kind: WorkloadKind, name: string): string {
  return `${kind}/${name}`;
}

function setNames(pod: string): readonly Named[] {
  return [
    ...before(INDEX_END, pod).map((name): Named => ['StatefulSet', name]),
    ...before(RANDOM_END, pod).map((name): Named => ['DaemonSet', name]),
  ];
}

function replicaSetNames(pod: string): readonly string[] {
  return before(RANDOM_END, pod);
}

function templateOwnerNames(replicaSet: string): readonly Named[] {
  return before(TEMPLATE_HASH_END, replicaSet).flatMap((name): readonly Named[] => [
    ['Deployment', name],
    ['Rollout', name],
  ]);
}

/** A pod of an indexed Job has the index before its random end. */
function jobNamesOfPod(pod: string): readonly string[] {
  const jobs = before(RANDOM_END, pod);
  return [...jobs, ...jobs.flatMap((job) => before(INDEX_END, job))];
}

function jobOwnerNames(job: string): readonly Named[] {
  return [['Job', job], ...before(SCHEDULE_END, job).map((name): Named => ['CronJob', name])];
}

function before(end: RegExp, text: string): readonly string[] {
  const name = end.exec(text)?.[1];
  return name === undefined ? [] : [name];
}
