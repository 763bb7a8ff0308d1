import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';

interface Sample {
  /** File name without its ending. */
  readonly name: string;
  readonly file: string;
  readonly kind: string;
  readonly object: { readonly spec: unknown; readonly metadata: { readonly name: string } };
  /** What the API server must answer, from the first line of an invalid sample; undefined in a valid one. */
  readonly wantMessage: string | undefined;
}

/** The objects of deploy/samples/valid or deploy/samples/invalid, one per file, in the order of their names. */
export function samples(folder: 'valid' | 'invalid'): readonly Sample[] {
  const at = `deploy/samples/${folder}`;
  const files = readdirSync(at).sort();
  assert.ok(files.length > 0, `${at} is empty`);
  return files.map((name) => {
    const file = `${at}/${name}`;
    const text = readFileSync(file, 'utf8');
    const object = parse(text) as Sample['object'] & { readonly kind: string };
    const wantMessage = /^# expect: (.+)\n/.exec(text)?.[1];
    return { name: basename(name, '.yaml'), file, kind: object.kind, object, wantMessage };
  });
}
