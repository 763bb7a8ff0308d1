import { isDeepStrictEqual } from 'node:util';
import type { AdmissionAvailability } from '../controller/ports.ts';
import type { KubeConnection } from './connection.ts';
import { objectAt, requiredText } from './json.ts';
import { collectionPath, type ObjectAddress } from './paths.ts';
import { Reflector, type ReflectorState } from './reflector.ts';

const NAME = 'rightsize-admission';
const GROUP = 'admissionregistration.k8s.io';
const PLURALS = ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'] as const;
/** The two objects that make new pods sized. */
export const ADMISSION_PARTS: readonly ObjectAddress[] = PLURALS.map((plural) => ({
  apiVersion: `${GROUP}/v1`,
  plural,
  name: NAME,
}));
const COMPONENT = 'deploy/components/admission';
const CONSEQUENCE = 'New pods are not sized';

export interface AdmissionWatchOptions {
  readonly connection: KubeConnection;
  /** Called when the availability is another than before. */
  readonly onChange: () => void;
  readonly onState: (resource: string, state: ReflectorState) => void;
}

interface Part {
  readonly resource: string;
  readonly reflector: Reflector<string>;
}

/**
 * Whether the API server has the policy that sizes new pods, and its binding: of each kind the one object by name is
 * watched. A cluster that does not have them, or does not let us look, is one where new pods are not sized.
 */
export class AdmissionWatch {
  readonly #options: AdmissionWatchOptions;
  readonly #parts: readonly Part[];
  #availability: AdmissionAvailability = { kind: 'Unknown' };

  constructor(options: AdmissionWatchOptions) {
    this.#options = options;
    this.#parts = PLURALS.map((plural) => this.#watch(plural));
  }

  get availability(): AdmissionAvailability {
    return this.#availability;
  }

  start(): void {
    for (const { reflector } of this.#parts) reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map(({ reflector }) => reflector.stop()));
  }

  #watch(plural: string): Part {
    const resource = `${plural}.${GROUP}`;
    const reflector = new Reflector<string>({
      connection: this.#options.connection,
      path: collectionPath({ apiVersion: `${GROUP}/v1`, plural }),
      // Rights for this name suffice for a list and a watch that ask for nothing else.
      query: { fieldSelector: `metadata.name=${NAME}` },
      content: 'Metadata',
      project: (raw) => requiredText(objectAt(raw, 'metadata'), 'name'),
      onChange: () => this.#look(),
      // What fails is told by the state, of which the Recommendations tell.
      onError: () => undefined,
      onState: (state) => {
        this.#look();
        // It may be missing, so that a missing right is no failure either.
        this.#options.onState(resource, state.kind === 'Forbidden' ? { kind: 'NotServed' } : state);
      },
    });
    return { resource, reflector };
  }

  #look(): void {
    const before = this.#availability;
    const found = this.#parts.map(availabilityOf);
    const unknown = found.find(({ kind }) => kind === 'Unknown');
    const now = found.find(({ kind }) => kind === 'Unavailable') ?? unknown ?? INSTALLED;
    // A list that is tried anew says nothing: what was found before it stays.
    this.#availability = now.kind === 'Unknown' ? before : now;
    if (!isDeepStrictEqual(before, this.#availability)) this.#options.onChange();
  }
}

const INSTALLED: AdmissionAvailability = { kind: 'Installed' };

function availabilityOf({ resource, reflector }: Part): AdmissionAvailability {
  const { state, synced, store } = reflector;
  if (state.kind === 'NotServed') {
    return unavailable(
      `the cluster does not serve ${resource} in version v1, which Kubernetes has from 1.36 on`,
    );
  }
  // What was listed stays: an API server that starts may fail, and refuse for a moment what it allows.
  if (synced) return asListed(resource, store);
  if (state.kind === 'Forbidden') return forbidden(resource);
  if (state.kind === 'Failing') {
    return unavailable(`${resource} cannot be read: ${state.message}`);
  }
  return { kind: 'Unknown' };
}

function forbidden(resource: string): AdmissionAvailability {
  return unavailable(
    `the operator may not get, list and watch ${resource} of the name ${NAME}; ${COMPONENT} has that right and installs them`,
  );
}

function asListed(resource: string, store: ReadonlyMap<string, unknown>): AdmissionAvailability {
  if (store.size > 0) return INSTALLED;
  return unavailable(
    `${resource} has no ${NAME}; install it with kubectl apply --server-side -k ${COMPONENT}`,
  );
}

function unavailable(why: string): AdmissionAvailability {
  return { kind: 'Unavailable', message: `${CONSEQUENCE}: ${why}.` };
}
