import type { KubeError } from './errors.ts';

const SENTENCE_LIMIT = 256;

/** `Pod "cart-0" is invalid: `, `pods "cart-0" is forbidden: `: who reads it knows the object. */
const ADDRESS = /^[\w.]+ "[^"]*" is (?:invalid|forbidden): /;

/** What the server said, in one line of at most 256 characters: without method, path and the object's name. */
export function sentenceOf(error: KubeError): string {
  // Behind the first line comes a diff of the whole object.
  const [line = ''] = (error.answer?.message ?? '').replace(ADDRESS, '').split('\n');
  const text = line === '' ? `The API server answered ${error.status ?? 'nothing'}.` : line;
  return text.length <= SENTENCE_LIMIT ? text : `${text.slice(0, SENTENCE_LIMIT - 1)}…`;
}

/** The operator lacks a right, or is not known: not that what it asked for may not be. */
export function isWithoutRight({ status, answer }: KubeError): boolean {
  if (status === 401) return true;
  return status === 403 && /\bUser "[^"]*" cannot \w+ /.test(answer?.message ?? '');
}

/**
 * Refused before anything was done, though it could be had: by a quota, a LimitRange, an admission plugin, policy or
 * webhook, or for load. Answers of other failures of the server leave open whether it was carried out.
 */
export function isRefusal({ status, answer }: KubeError): boolean {
  if (status === 500) return answer?.message.includes('failed calling webhook') === true;
  return status !== undefined && status >= 400 && status < 500;
}

/** An admission policy or webhook said no, whatever the status that it chose for that. */
export function isDeniedByPolicy({ answer }: KubeError): boolean {
  return /denied (?:the )?request/.test(answer?.message ?? '');
}

/** Another object, or none, has the name now: the uid that was stated is not its. */
export function isOfAnother({ status, answer }: KubeError): boolean {
  if (status === 422) return answer?.causes?.some(({ field }) => field === 'metadata.uid') === true;
  return status === 409 && /\buid\b/i.test(answer?.message ?? '');
}
