import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { crd, KIND_DEFINITIONS } from '../../../src/api/crd.ts';
import { samples } from '../../support/samples.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly {
    readonly rule: string;
    readonly message?: string;
  }[];
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: Readonly<Record<string, unknown>>;
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns: readonly { readonly priority?: number }[];
    }[];
  };
}

interface Node {
  readonly path: string;
  readonly schema: Schema;
}

/** A schema and everything under it, each with the path that a user would write. */
function walk(path: string, schema: Schema): readonly Node[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    walk(`${path}.${name}`, property),
  );
  const items = schema.items === undefined ? [] : walk(`${path}[]`, schema.items);
  const values =
    typeof schema.additionalProperties === 'object'
      ? walk(`${path}{}`, schema.additionalProperties)
      : [];
  return [{ path, schema }, ...below, ...items, ...values];
}

const committed = readdirSync('crds')
  .filter((file) => file.startsWith('rightsize.dev_'))
  .map((file) => parse(readFileSync(`crds/${file}`, 'utf8')) as Definition);

const nodesOf = ({ spec }: Definition): readonly Node[] =>
  spec.versions.flatMap(({ schema }) => walk('', schema.openAPIV3Schema));

/** Those of the API machinery, which documents them itself. */
const COMMON = ['.apiVersion', '.kind', '.metadata'];

describe('the committed definitions', () => {
  it('are those of our kinds, and no others', () => {
    const want = KIND_DEFINITIONS.map((definition) => crd(definition)) as readonly object[];
    const byName = (a: object, b: object) =>
      JSON.stringify(a).localeCompare(JSON.stringify(b), 'en');
    assert.deepEqual([...committed].sort(byName), [...want].sort(byName));
  });

  it('say no zero priority, which the API server would drop', () => {
    for (const definition of committed) {
      const columns = definition.spec.versions.flatMap((one) => one.additionalPrinterColumns);
      assert.ok(columns.length > 0);
      for (const column of columns) assert.notEqual(column.priority, 0);
    }
  });
});

for (const definition of committed) {
  describe(`the schema of ${definition.metadata.name}`, () => {
    const nodes = nodesOf(definition);
    const faults = (isFault: (node: Node) => boolean): readonly string[] =>
      nodes
        .filter(({ path }) => !COMMON.includes(path))
        .filter(isFault)
        .map(({ path }) => path);

    it('has nodes to look at', () => assert.ok(nodes.length > 30, `${nodes.length} nodes`));

    it('uses nothing that a structural schema may not', () => {
      const forbidden = [
        '$ref',
        'definitions',
        'anyOf',
        'oneOf',
        'allOf',
        'not',
        'const',
        'propertyNames',
        'patternProperties',
        'nullable',
      ];
      const found = faults(({ schema }) => forbidden.some((keyword) => keyword in schema));
      assert.deepEqual(found, []);
      const closed = faults(({ schema }) => typeof schema.additionalProperties === 'boolean');
      assert.deepEqual(closed, []);
    });

    it('gives every node a type', () => {
      const untyped = ({ schema }: Node) =>
        schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true;
      assert.deepEqual(faults(untyped), []);
    });

    it('bounds every string, list and map', () => {
      const unbounded: Readonly<Record<string, (schema: Schema) => boolean>> = {
        string: ({ maxLength, enum: values }) => maxLength === undefined && values === undefined,
        array: ({ maxItems }) => maxItems === undefined,
        object: ({ additionalProperties, maxProperties }) =>
          additionalProperties !== undefined && maxProperties === undefined,
      };
      const isUnbounded = ({ schema }: Node) => unbounded[schema.type ?? '']?.(schema) ?? false;
      assert.deepEqual(faults(isUnbounded), []);
    });

    it('says how each list merges', () => {
      const isUnsaid = ({ schema }: Node) =>
        schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined;
      assert.deepEqual(faults(isUnsaid), []);
    });

    it('describes every property in sentences', () => {
      const isProperty = ({ path }: Node) => !/(\[\]|\{\})$/.test(path);
      const isBare = ({ schema }: Node) => !/^[\w*-].*\.$/s.test(schema.description ?? '');
      assert.deepEqual(
        faults((node) => isProperty(node) && isBare(node)),
        [],
      );
    });

    it('gives every rule a sentence', () => {
      const isMute = ({ schema }: Node) =>
        (schema['x-kubernetes-validations'] ?? []).some(({ message = '' }) => message === '');
      assert.deepEqual(faults(isMute), []);
    });
  });
}

describe('the defaults in the schema', () => {
  const specPaths = (name: string): Readonly<Record<string, unknown>> => {
    const definition = committed.find(({ metadata }) => metadata.name.startsWith(`${name}.`));
    assert.ok(definition, name);
    return Object.fromEntries(nodesOf(definition).map((node) => [node.path, node.schema.default]));
  };

  for (const name of ['rightsizepolicies', 'clusterrightsizepolicies']) {
    it(`stand in ${name} as the documentation says`, () => {
      const defaults = specPaths(name);
      const want: Readonly<Record<string, unknown>> = {
        '.spec.priority': 0,
        '.spec.mode': 'Recommend',
        '.spec.suspend': false,
        '.spec.riskTolerance': {},
        '.spec.riskTolerance.profile': 'Balanced',
        '.spec.riskTolerance.confidence': '95%',
        '.spec.history.window': '14d',
        '.spec.history.minimum': '24h',
        '.spec.history.halfLife': '3d',
        '.spec.limits.cpu': { strategy: 'None' },
        '.spec.limits.memory': { strategy: 'Headroom', headroom: '0%' },
        '.spec.bounds.minAllowed.cpu': '10m',
        '.spec.bounds.minAllowed.memory': '32Mi',
        '.spec.cadence': 'Steady',
        '.spec.changes.minimum': '10%',
        '.spec.changes.increase.cooldown': '5m',
        '.spec.changes.decrease.cooldown': '24h',
        '.spec.changes.decrease.maxStep': '25%',
        '.spec.changes.maxPodsAtOnce': '10%',
        '.spec.changes.rollback.observe': '10m',
      };
      const got = Object.fromEntries(Object.keys(want).map((path) => [path, defaults[path]]));
      assert.deepEqual(got, want);
    });
  }
});

describe('the invalid samples', () => {
  it('break every rule that the definitions have, and name no sentence that is not there', () => {
    const messages = committed
      .flatMap(nodesOf)
      .flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? [])
      // What holds between an object and its change, no sample can break.
      .filter(({ rule }) => !rule.includes('oldSelf'))
      .map(({ message }) => message);
    const expected = samples('invalid').map(({ wantMessage }) => wantMessage);
    assert.deepEqual([...new Set(expected)].sort(), [...new Set(messages)].sort());
  });
});
