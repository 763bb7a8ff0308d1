import { API_VERSION, PLURALS } from '../api/group.ts';
import type { Finding } from '../controller/finding.ts';
import { ADMISSION_PARTS } from './admissionwatch.ts';
import type { KubeConnection } from './connection.ts';
import { isKubeError, KubeError } from './errors.ts';
import { listAt, textAt, type Json } from './json.ts';
import { objectPath } from './paths.ts';
import { checkRights } from './rightscheckup.ts';

/** The oldest minor version of Kubernetes 1 that the rules of the kinds work on, and that resizes pods unasked. */
const OLDEST_MINOR = 29;
const RESIZING_MINOR = 33;

/** Looks once; a `namespace` is that of an operator which watches no other. */
export interface Checkup {
  readonly connection: KubeConnection;
  readonly namespace: string | undefined;
  /** Of the operator's Leases; undefined where it is not known. */
  readonly leaseNamespace: string | undefined;
  readonly signal: AbortSignal;
}

/** Looks whether the cluster has what the operator works with, and what this user may do. Rejects on abort alone. */
export async function checkKubernetes(checkup: Checkup): Promise<readonly Finding[]> {
  const version = await checkVersion(checkup);
  if (version.result === 'FAIL') return [version];
  return [
    version,
    await guarded('kinds', checkup, checkKinds),
    await guarded('in-place resize', checkup, checkResize),
    await guarded('admission policy', checkup, checkAdmission),
    ...(await checkRights(checkup)),
  ];
}

async function guarded(
  check: string,
  checkup: Checkup,
  run: (checkup: Checkup) => Promise<Finding>,
): Promise<Finding> {
  try {
    return await run(checkup);
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind === 'Aborted') throw error;
    return { area: 'Kubernetes', check, result: 'WARN', found: error.message };
  }
}

async function checkVersion(checkup: Checkup): Promise<Finding> {
  const base = { area: 'Kubernetes', check: 'version' } as const;
  try {
    const answer = (await get(checkup, '/version')) as Json;
    const found = textAt(answer, 'gitVersion') ?? 'it does not say';
    const minor = parseInt(textAt(answer, 'minor') ?? '', 10);
    if (minor < OLDEST_MINOR) {
      return { ...base, result: 'FAIL', found, todo: `use Kubernetes 1.${OLDEST_MINOR} or newer` };
    }
    return { ...base, result: 'OK', found };
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind === 'Aborted') throw error;
    const todo = 'look at --kubeconfig, KUBECONFIG, and whether the API server can be reached';
    return { ...base, result: 'FAIL', found: error.message, todo };
  }
}

async function checkKinds(checkup: Checkup): Promise<Finding> {
  const base = { area: 'Kubernetes', check: 'kinds' } as const;
  const served = await servedAt(checkup, `/apis/${API_VERSION}`);
  const missing = Object.values(PLURALS).filter((plural) => !served.has(plural));
  if (missing.length === 0) return { ...base, result: 'OK', found: `${API_VERSION} is served` };
  const found = `${API_VERSION} does not serve ${missing.join(', ')}`;
  return { ...base, result: 'FAIL', found, todo: 'kubectl apply --server-side -k crds' };
}

async function checkResize(checkup: Checkup): Promise<Finding> {
  const base = { area: 'Kubernetes', check: 'in-place resize' } as const;
  const served = await servedAt(checkup, '/api/v1');
  if (served.has('pods/resize')) return { ...base, result: 'OK', found: 'pods/resize is served' };
  const found = 'pods/resize is not served: modes InPlace and Recreate change nothing in place';
  return { ...base, result: 'WARN', found, todo: `use Kubernetes 1.${RESIZING_MINOR} or newer` };
}

async function checkAdmission(checkup: Checkup): Promise<Finding> {
  const base = { area: 'Kubernetes', check: 'admission policy' } as const;
  const missing: string[] = [];
  for (const part of ADMISSION_PARTS) {
    try {
      await get(checkup, objectPath(part));
    } catch (error) {
      if (isKubeError(error, 'Forbidden')) return { ...base, ...UNSEEN };
      if (!isKubeError(error, 'NotFound')) throw error;
      missing.push(part.plural);
    }
  }
  if (missing.length === 0) return { ...base, result: 'OK', found: 'installed' };
  if (missing.length === ADMISSION_PARTS.length) {
    return { ...base, result: 'OK', found: 'not installed; only mode Admission needs it' };
  }
  const todo = 'kubectl apply --server-side -k deploy/components/admission';
  return { ...base, result: 'WARN', found: `half of it: no ${missing.join(', ')}`, todo };
}

const UNSEEN = {
  result: 'OK',
  found: 'may not be looked at by this user; only mode Admission needs it',
} as const;

/** Names of resources and subresources; empty where the group is not served. */
async function servedAt(checkup: Checkup, path: string): Promise<ReadonlySet<string>> {
  try {
    const list = (await get(checkup, path)) as Json;
    return new Set(listAt(list, 'resources').flatMap((resource) => textAt(resource, 'name') ?? []));
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return new Set();
    throw error;
  }
}

function get({ connection, signal }: Checkup, path: string): Promise<unknown> {
  return connection.request({ method: 'GET', path, signal });
}
