import { readdirSync, readFileSync } from 'node:fs';

/** The texts of a union type such as `type HoldReason = 'NoHistory' | …`. */
export function union(file: string, name: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  const [, body] = new RegExp(`type ${name} =([^;]*);`).exec(text) ?? [];
  if (body === undefined) throw new Error(`${file} has no type ${name}`);
  return literals(body);
}

/** The files of a folder that make conditions. */
export function observers(folder: string): readonly string[] {
  return readdirSync(folder)
    .map((name) => `${folder}/${name}`)
    .filter((file) => /import type \{[^}]*\bObservation\b/.test(readFileSync(file, 'utf8')));
}

/** All texts of a file that look like a condition, a reason or a state: one capitalised word. */
export function wordsOf(file: string): readonly string[] {
  return literals(readFileSync(file, 'utf8'));
}

function literals(text: string): readonly string[] {
  return [...text.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, word = '']) => word);
}
