import { KubeError, answerError, asError, restSeconds } from './errors.ts';
import { asJson, numberAt, objectAt, requiredText, textAt, type Json } from './json.ts';

/** One line of a watch. An ERROR line is thrown, not an event. */
export type WatchEvent =
  | { readonly kind: 'Set' | 'Deleted'; readonly object: Json; readonly resourceVersion: string }
  | { readonly kind: 'Bookmark'; readonly resourceVersion: string };

/** Throws a KubeError: AnswerInvalid for a line that is not an event, Gone and others for an ERROR event. */
export function parseWatchLine(what: string, line: string): WatchEvent {
  const { type, object, resourceVersion } = readLine(what, line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'Set', object, resourceVersion };
    case 'DELETED':
      return { kind: 'Deleted', object, resourceVersion };
    case 'BOOKMARK':
      return { kind: 'Bookmark', resourceVersion };
    case 'ERROR':
      throw answerError(what, errorFacts(object));
    default:
      throw new KubeError('AnswerInvalid', `${what}: unknown event type ${type.slice(0, 40)}`);
  }
}

function readLine(
  what: string,
  line: string,
): { type: string; object: Json; resourceVersion: string } {
  try {
    const event = asJson(JSON.parse(line));
    const type = requiredText(event, 'type');
    const object = objectAt(event, 'object');
    const metadata = objectAt(object, 'metadata');
    // The object of an ERROR is a Status, which has no version.
    const resourceVersion = type === 'ERROR' ? '' : requiredText(metadata, 'resourceVersion');
    return { type, object, resourceVersion };
  } catch (cause) {
    const message = `${what}: not a watch event: ${asError(cause).message}`;
    throw new KubeError('AnswerInvalid', message, { cause });
  }
}

function errorFacts(status: Json): Parameters<typeof answerError>[1] {
  return {
    code: numberAt(status, 'code') ?? 500,
    reason: textAt(status, 'reason') ?? '',
    message: textAt(status, 'message') ?? '',
    retryAfterSeconds: restSeconds(numberAt(objectAt(status, 'details'), 'retryAfterSeconds')),
  };
}
