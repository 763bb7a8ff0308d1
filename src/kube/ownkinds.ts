import type { z } from 'zod';
import { ADMISSION_ACTIVE, ADMISSION_LABEL, API_VERSION, GROUP, PLURALS } from '../api/group.ts';
import { clusterRightsizePolicySpec, policyStatus, rightsizePolicySpec } from '../api/policy.ts';
import { recommendationSpec, recommendationStatus } from '../api/recommendation.ts';
import { policyKey } from '../controller/policy.ts';
import type { Policy } from '../controller/ports.ts';
import {
  listAt,
  numberAt,
  objectAt,
  requiredText,
  secondsAt,
  textAt,
  textsAt,
  type Json,
} from './json.ts';
import { identityOf } from './metadata.ts';
import { PackedRecommendation } from './packedrecommendation.ts';
import type { ApiResource } from './paths.ts';

/** Where the kinds of this operator live. */
export const OWN_RESOURCES = {
  RightsizePolicy: { apiVersion: API_VERSION, plural: PLURALS.RightsizePolicy },
  ClusterRightsizePolicy: { apiVersion: API_VERSION, plural: PLURALS.ClusterRightsizePolicy },
  Recommendation: { apiVersion: API_VERSION, plural: PLURALS.Recommendation },
} as const satisfies Readonly<Record<keyof typeof PLURALS, ApiResource>>;

/** A policy, or why it could not be read: it was stored under other rules than those of this version. */
export type ProjectedPolicy =
  | { readonly kind: 'Readable'; readonly key: string; readonly policy: Policy }
  | { readonly kind: 'Unreadable'; readonly key: string; readonly message: string };

const SPECS = {
  RightsizePolicy: rightsizePolicySpec,
  ClusterRightsizePolicy: clusterRightsizePolicySpec,
} as const;

export function projectPolicy(kind: Policy['kind'], raw: Json): ProjectedPolicy {
  const metadata = objectAt(raw, 'metadata');
  const identity = {
    kind,
    namespace: textAt(metadata, 'namespace'),
    name: requiredText(metadata, 'name'),
    uid: textAt(metadata, 'uid') ?? '',
    generation: numberAt(metadata, 'generation') ?? 0,
    createdSeconds: secondsAt(metadata, 'creationTimestamp') ?? 0,
    annotations: ownAnnotations(metadata),
  };
  const spec = SPECS[kind].safeParse(objectAt(raw, 'spec'));
  const key = policyKey(identity);
  if (!spec.success) return { kind: 'Unreadable', key, message: firstIssue(spec.error) };
  const status = policyStatus.safeParse(raw['status'] ?? {}).data;
  return { kind: 'Readable', key, policy: { ...identity, spec: spec.data, status } };
}

function ownAnnotations(metadata: Json): Readonly<Record<string, string>> {
  const own = Object.entries(textsAt(metadata, 'annotations')).filter(([name]) =>
    name.startsWith(`${GROUP}/`),
  );
  return Object.fromEntries(own);
}

function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue === undefined ? 'spec is invalid' : `spec.${issue.path.join('.')}: ${issue.message}`;
}

/** A status that this version cannot read counts as none, and is written anew. */
export function projectRecommendation(raw: Json): PackedRecommendation {
  const metadata = objectAt(raw, 'metadata');
  const owner = listAt(metadata, 'ownerReferences')[0];
  return new PackedRecommendation({
    ...identityOf(raw),
    targetRef: recommendationSpec.parse(objectAt(raw, 'spec')).targetRef,
    ownerUid: owner === undefined ? undefined : textAt(owner, 'uid'),
    isActive: textsAt(metadata, 'labels')[ADMISSION_LABEL] === ADMISSION_ACTIVE,
    status: recommendationStatus.safeParse(raw['status']).data,
  });
}
