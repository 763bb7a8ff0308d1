import { z } from 'zod';
import { crd, KIND_DEFINITIONS } from '../../../src/api/crd.ts';

interface Schema {
  readonly type?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly { readonly message?: string }[];
}

/** A field as a user writes it: `changes.windows[].schedule`. */
export interface Field {
  readonly path: string;
  /** What the row of the field must name: the default, the ends of the range, the values that it may have. */
  readonly facts: readonly string[];
}

type Kind = (typeof KIND_DEFINITIONS)[number]['kind'];
type Part = 'spec' | 'status';

function schemaOf(kind: Kind, part: Part): Schema {
  const definition = KIND_DEFINITIONS.find((each) => each.kind === kind);
  const { spec } = crd(definition ?? unknownKind(kind)) as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { openAPIV3Schema: Schema } }[];
    };
  };
  return spec.versions[0]?.schema.openAPIV3Schema.properties?.[part] ?? unknownKind(kind);
}

function unknownKind(kind: string): never {
  throw new Error(`${kind} is no kind`);
}

/** Every field of a kind that has no fields below it. CPU and memory of an amount are one, unless they have defaults. */
export function fieldsOf(kind: Kind, part: Part): readonly Field[] {
  return walked('', schemaOf(kind, part));
}

function walked(path: string, schema: Schema): readonly Field[] {
  const { properties, items } = schema;
  if (items?.properties !== undefined) return walked(`${path}[]`, items);
  if (properties === undefined || isAmount(properties)) return [{ path, facts: factsOf(schema) }];
  return Object.entries(properties).flatMap(([name, property]) =>
    walked(path === '' ? name : `${path}.${name}`, property),
  );
}

function isAmount(properties: Readonly<Record<string, Schema>>): boolean {
  return (
    Object.keys(properties).sort().join() === 'cpu,memory' &&
    Object.values(properties).every((each) => each.properties === undefined && !('default' in each))
  );
}

function factsOf(schema: Schema): readonly string[] {
  const { items, minimum, maximum } = schema;
  const messages = (schema['x-kubernetes-validations'] ?? []).map(({ message = '' }) => message);
  const ranges = messages.flatMap((text) => /from (\S+) to ([^\s,;]+)/.exec(text)?.slice(1) ?? []);
  const isRange = minimum !== undefined && maximum !== undefined && maximum < 1e9;
  return [
    ...defaultsOf(schema),
    ...ranges,
    ...(isRange ? [String(minimum), String(maximum)] : []),
    ...(schema.enum ?? items?.enum ?? []),
  ];
}

function defaultsOf({ default: value }: Schema): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? [String(value)]
    : [];
}

/** Names in a manifest that its kind does not have; a server-side apply would refuse them. */
export function unknownFields(kind: Kind, part: Part, value: unknown): readonly string[] {
  return unknown(part, schemaOf(kind, part), value);
}

const objects = z.record(z.string(), z.unknown());

function unknown(path: string, schema: Schema, value: unknown): readonly string[] {
  const { properties, items } = schema;
  if (items !== undefined && Array.isArray(value)) {
    return value.flatMap((each) => unknown(`${path}[]`, items, each));
  }
  const object = objects.safeParse(value).data;
  if (properties === undefined || object === undefined) return [];
  return Object.entries(object).flatMap(([name, below]) => {
    const property = properties[name];
    const at = `${path}.${name}`;
    return property === undefined ? [at] : unknown(at, property, below);
  });
}
