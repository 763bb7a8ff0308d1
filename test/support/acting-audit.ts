import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resources } from './admission.ts';
import { numbersOf, type Numbers } from './acting-pods.ts';

/** A call as the API server's audit log has it; RIGHTSIZE_AUDIT of test/cluster/README.md. */
export interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

/** All entries so far, in the order in which the calls were answered. */
export async function auditEntries(): Promise<readonly AuditEntry[]> {
  const file = join(process.env['RIGHTSIZE_CLUSTER_DIR'] ?? '', 'logs', 'audit.jsonl');
  const text = await readFile(file, 'utf8');
  // The last line may be half written.
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEntry);
}

export function isDone({ responseStatus, requestURI, requestObject }: AuditEntry): boolean {
  const { code = 500 } = responseStatus ?? {};
  const { deleteOptions } = (requestObject ?? {}) as {
    readonly deleteOptions?: { readonly dryRun?: readonly string[] };
  };
  return code < 300 && !requestURI.includes('dryRun=') && deleteOptions?.dryRun === undefined;
}

function isAbout({ objectRef }: AuditEntry, resource: string, subresource?: string): boolean {
  return objectRef?.resource === resource && objectRef.subresource === subresource;
}

/** `pods/resize patch`, for people. */
export function writeWords({ objectRef, verb, requestURI }: AuditEntry): string {
  const { resource = '', subresource, name = '' } = objectRef ?? {};
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${what} ${name || requestURI}`;
}

/** What every change of a pod must keep to. */
export interface Invariants {
  /** User name of the operator. */
  readonly user: string;
  readonly min: { readonly cpu: number; readonly memory: number };
  readonly max: { readonly cpu: number; readonly memory: number };
  /** Share of what is that one decrease takes away at most. */
  readonly maxStep: number;
  readonly namespace: string;
}

interface AuditedPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly resources?: Resources }[];
  };
}

interface Tally {
  readonly resizes: number;
  readonly evictions: number;
  /** A sentence for each that was broken. */
  readonly broken: readonly string[];
}

/** Goes through all changes of pods in a namespace, and says which invariants were broken. */
export function checkInvariants(entries: readonly AuditEntry[], rules: Invariants): Tally {
  const done = entries
    .filter(isDone)
    .filter(({ objectRef: at }) => at?.namespace === rules.namespace);
  const { resizes, broken } = checkResizes(done, rules);
  const evictions = done.filter(
    (entry) => isAbout(entry, 'pods', 'eviction') && entry.user.username === rules.user,
  );
  const twice = [...Map.groupBy(evictions, evictedUid)]
    .filter(([, times]) => times.length > 1)
    .map(([uid, times]) => `pod ${uid} was evicted ${times.length} times`);
  return { resizes, evictions: evictions.length, broken: [...broken, ...twice] };
}

/** Each resize of ours against what the pod was made with, or resized to before. */
function checkResizes(
  entries: readonly AuditEntry[],
  rules: Invariants,
): Pick<Tally, 'resizes' | 'broken'> {
  const last = new Map<string, AuditedPod>();
  const broken: string[] = [];
  let resizes = 0;
  for (const entry of entries) {
    const isResize = isAbout(entry, 'pods', 'resize');
    if (!isResize && !isAbout(entry, 'pods')) continue;
    const pod = entry.responseObject as AuditedPod;
    const before = last.get(pod.metadata.uid);
    last.set(pod.metadata.uid, pod);
    if (!isResize || entry.user.username !== rules.user) continue;
    resizes += 1;
    broken.push(...brokenBy(before, pod, rules));
  }
  return { resizes, broken };
}

function evictedUid({ requestObject, objectRef }: AuditEntry): string {
  const { deleteOptions } = requestObject as {
    readonly deleteOptions?: { readonly preconditions?: { readonly uid?: string } };
  };
  return deleteOptions?.preconditions?.uid ?? objectRef?.name ?? '';
}

function brokenBy(
  before: AuditedPod | undefined,
  after: AuditedPod,
  rules: Invariants,
): readonly string[] {
  const { name } = after.metadata;
  if (before === undefined) return [`${name}: resized, and never seen to be made`];
  const says = after.spec.containers.flatMap((container, i) => {
    const was = before.spec.containers[i]?.resources ?? {};
    const is = container.resources ?? {};
    return [...inItself(numbersOf(is), rules), ...fromTo(was, is, rules)];
  });
  const sizes = ({ spec }: AuditedPod) =>
    JSON.stringify(spec.containers.map((each) => each.resources));
  if (sizes(before) === sizes(after)) says.push('asked for what was asked for already');
  if (classOf(before) !== classOf(after)) says.push(`of class ${classOf(after)} now`);
  return says.map((what) => `${name}: ${what}`);
}

function inItself(is: Numbers, { min, max }: Invariants): readonly string[] {
  const { cpu = 0, memory = 0, cpuLimit = Infinity, memoryLimit = Infinity } = is;
  const rules: readonly (readonly [boolean, string])[] = [
    [cpu <= cpuLimit, `request ${cpu} over the limit ${cpuLimit} of CPU`],
    [memory <= memoryLimit, `request ${memory} over the limit ${memoryLimit} of memory`],
    [cpu >= min.cpu && cpu <= max.cpu, `CPU request ${cpu} is out of bounds`],
    [memory >= min.memory && memory <= max.memory, `memory request ${memory} is out of bounds`],
  ];
  return rules.flatMap(([isKept, says]) => (isKept ? [] : [says]));
}

function fromTo(was: Resources, is: Resources, { maxStep }: Invariants): readonly string[] {
  const [before, after] = [numbersOf(was), numbersOf(is)];
  const tooFar = (['cpu', 'memory', 'cpuLimit', 'memoryLimit'] as const).filter(
    (what) => (after[what] ?? Infinity) < (before[what] ?? 0) * (1 - maxStep) - 1e-9,
  );
  const other = (resources: Resources) =>
    JSON.stringify(
      [resources.requests, resources.limits].map((amounts = {}) =>
        Object.entries(amounts).filter(([name]) => name !== 'cpu' && name !== 'memory'),
      ),
    );
  return [
    ...tooFar.map(
      (what) => `${what} from ${before[what] ?? ''} to ${after[what] ?? ''} in one step`,
    ),
    ...(other(was) === other(is) ? [] : ['other resources than CPU and memory changed']),
  ];
}

function classOf({ spec }: AuditedPod): string {
  const all = spec.containers.map(({ resources = {} }) => numbersOf(resources));
  const isEmpty = all.every((each) => Object.values(each).every((value) => value === undefined));
  if (isEmpty) return 'BestEffort';
  const isGuaranteed = all.every(
    ({ cpu, memory, cpuLimit, memoryLimit }) =>
      cpuLimit !== undefined && cpu === cpuLimit && memory === memoryLimit && memory !== undefined,
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
