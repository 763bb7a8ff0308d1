import {
  ANYWHERE,
  type NodeRequirement,
  type Placement,
  type Taint,
  type Toleration,
} from '../controller/placement.ts';
import { listAt, objectAt, requiredText, textAt, textsAt, type Json } from './json.ts';

/** Those that keep pods away; what is merely not preferred does not. */
export function taintsOf(spec: Json): readonly Taint[] {
  return listAt(spec, 'taints').flatMap((taint) => {
    const effect = textAt(taint, 'effect');
    if (effect !== 'NoSchedule' && effect !== 'NoExecute') return [];
    return [{ key: requiredText(taint, 'key'), value: textAt(taint, 'value') ?? '', effect }];
  });
}

/** Of the spec of a pod. Where it says nothing, which is most often, all pods share one value. */
export function placementOf(spec: Json): Placement {
  const tolerations = listAt(spec, 'tolerations').flatMap(tolerationOf);
  const nodeSelector = textsAt(spec, 'nodeSelector');
  const required = objectAt(
    spec,
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  const terms = listAt(required, 'nodeSelectorTerms').map(requirementsOf);
  const isFree =
    tolerations.length === 0 && Object.keys(nodeSelector).length === 0 && terms.length === 0;
  return isFree ? ANYWHERE : { tolerations, nodeSelector, terms };
}

/** What is tolerated for a time only, as every pod does a node that is away, is no reason to go there. */
function tolerationOf(raw: Json): readonly Toleration[] {
  if ((raw['tolerationSeconds'] ?? undefined) !== undefined) return [];
  const operator = textAt(raw, 'operator') ?? 'Equal';
  if (operator !== 'Equal' && operator !== 'Exists') return [];
  const value = operator === 'Exists' ? undefined : (textAt(raw, 'value') ?? '');
  return [{ key: anyWhenEmpty(raw, 'key'), value, effect: anyWhenEmpty(raw, 'effect') }];
}

function anyWhenEmpty(raw: Json, field: string): string | undefined {
  const text = textAt(raw, field);
  return text === '' ? undefined : text;
}

function requirementsOf(term: Json): readonly NodeRequirement[] {
  return [...listAt(term, 'matchExpressions'), ...listAt(term, 'matchFields')].map((each) => {
    const values = each['values'] ?? [];
    return {
      key: requiredText(each, 'key'),
      operator: requiredText(each, 'operator'),
      values: Array.isArray(values) ? values.map(String) : [],
    };
  });
}
