import { transportError } from './errors.ts';

/** Splits a body into its lines; a last line that was cut off is dropped. Throws a KubeError when the body breaks. */
export async function* lines(
  what: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for await (const chunk of body) {
      const parts = decoder.decode(chunk, { stream: true }).split('\n');
      parts[0] = pending + (parts[0] ?? '');
      pending = parts.pop() ?? '';
      yield* parts.filter((line) => line !== '');
    }
  } catch (thrown) {
    throw transportError(what, thrown);
  }
}
