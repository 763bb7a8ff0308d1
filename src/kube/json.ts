/** Reading of JSON whose shape is not to be trusted: absent and null are undefined, another type is an error. */
export type Json = Readonly<Record<string, unknown>>;

const EMPTY: Json = {};

/** The object itself; `{}` when it is absent. Throws on anything else. */
export function asJson(value: unknown, name = 'object'): Json {
  if (value === undefined || value === null) return EMPTY;
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, 'an object');
  return value as Json;
}

/** The object at a path of fields, `{}` when a part of the path is absent. Throws when a part is not an object. */
export function objectAt(value: unknown, ...path: readonly string[]): Json {
  let at = asJson(value);
  for (const field of path) at = asJson(at[field], field);
  return at;
}

/** The objects of a list, `[]` when it is absent. Throws when it is not a list of objects. */
export function listAt(value: unknown, field: string): readonly Json[] {
  const list = asJson(value)[field];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw wrong(field, 'a list');
  return list.map((item) => asJson(item, `item of ${field}`));
}

export function textAt(value: unknown, field: string): string | undefined {
  const text = asJson(value)[field];
  if (text === undefined || text === null) return undefined;
  if (typeof text !== 'string') throw wrong(field, 'a text');
  return text;
}

/** The text of a field that must be there. */
export function requiredText(value: unknown, field: string): string {
  const text = textAt(value, field);
  if (text === undefined || text === '') throw wrong(field, 'set');
  return text;
}

export function numberAt(value: unknown, field: string): number | undefined {
  const number = asJson(value)[field];
  if (number === undefined || number === null) return undefined;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw wrong(field, 'a number');
  return number;
}

/** A timestamp field as unix seconds. */
export function secondsAt(value: unknown, field: string): number | undefined {
  const text = textAt(value, field);
  if (text === undefined) return undefined;
  const seconds = Date.parse(text) / 1000;
  if (Number.isNaN(seconds)) throw wrong(field, 'a timestamp');
  return seconds;
}

/** A map of texts such as labels, `{}` when it is absent. */
export function textsAt(value: unknown, field: string): Readonly<Record<string, string>> {
  const map = objectAt(value, field);
  for (const [key, text] of Object.entries(map)) {
    if (typeof text !== 'string') throw wrong(`${field}.${key}`, 'a text');
  }
  return map as Readonly<Record<string, string>>;
}

function wrong(field: string, want: string): Error {
  return new Error(`${field} is not ${want}`);
}
