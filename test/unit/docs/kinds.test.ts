import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';
import { KIND_DEFINITIONS } from '../../../src/api/crd.ts';
import { GATE_REASONS as ADMISSION_GATES } from '../../../src/controller/admission.ts';
import { LANES } from '../../../src/resize/changes.ts';
import { GATE_REASONS } from '../../../src/resize/gates.ts';
import { samples } from '../../support/samples.ts';
import { blocks, page, spans, type Page } from './pages.ts';
import { fieldsOf, unknownFields, type Field } from './schema.ts';
import { observers, union, wordsOf } from './words.ts';

const POLICY = page('docs/kinds/rightsizepolicy.md');
const CLUSTER_POLICY = page('docs/kinds/clusterrightsizepolicy.md');
const RECOMMENDATION = page('docs/kinds/recommendation.md');
const ACTING = page('docs/acting.md');

const POLICY_FILES = [
  'src/controller/policyobservations.ts',
  'src/controller/calibrationstatus.ts',
  'src/controller/policynotes.ts',
];

/** Words of these files that name no condition, reason or state. */
const OTHERS = new Set(['Normal', 'Warning', 'CPU', 'Job', 'CronJob', 'Installed']);

const HOLDS = union('src/recommend/hold.ts', 'HoldReason');
const CLAMPS = union('src/recommend/draft.ts', 'ClampName');
const FAILURES = union('src/controller/ports.ts', 'UsageFailureReason');

/** Names a word by itself, or at the end of a state such as `Held:Suspended`. */
function missing({ named }: Page, words: readonly string[]): readonly string[] {
  return [...new Set(words)].filter((word) => !named.has(word) && !named.has(`${word}:`));
}

/** The first cells of the tables whose first column is headed so. */
function column({ tables }: Page, header: string): readonly string[] {
  return tables
    .filter(([head]) => head?.[0] === header)
    .flatMap(([, ...rows]) => rows.flatMap(([first = '']) => [...spans(first)]));
}

function rowOf({ tables }: Page, { path }: Field): readonly string[] | undefined {
  return tables.flat().find(([first = '']) => spans(first).has(path));
}

function undocumented(of: Page, fields: readonly Field[]): readonly string[] {
  return fields.flatMap((field) => {
    const row = rowOf(of, field);
    if (row === undefined) return [field.path];
    const said = spans(row.join(' '));
    return field.facts.filter((fact) => !said.has(fact)).map((fact) => `${field.path}: ${fact}`);
  });
}

describe('the pages about kinds name', () => {
  it('every field of a RightsizePolicy with its default and range', () => {
    assert.deepEqual(undocumented(POLICY, fieldsOf('RightsizePolicy', 'spec')), []);
    assert.deepEqual(undocumented(POLICY, withoutFacts(fieldsOf('RightsizePolicy', 'status'))), []);
  });

  it('every field that only a ClusterRightsizePolicy has', () => {
    const common = fieldsOf('RightsizePolicy', 'spec').map(({ path }) => path);
    const own = fieldsOf('ClusterRightsizePolicy', 'spec').filter(
      ({ path }) => !common.includes(path),
    );
    assert.ok(own.length > 5);
    assert.deepEqual(undocumented(CLUSTER_POLICY, own), []);
  });

  it('every field of a Recommendation', () => {
    const fields = ['spec', 'status'] as const;
    const all = fields.flatMap((part) => withoutFacts(fieldsOf('Recommendation', part)));
    assert.deepEqual(undocumented(RECOMMENDATION, all), []);
  });

  it('no field that is not there', () => {
    const known = (kind: 'RightsizePolicy' | 'ClusterRightsizePolicy' | 'Recommendation') =>
      (['spec', 'status'] as const).flatMap((part) => fieldsOf(kind, part).map(({ path }) => path));
    const stray = (of: Page, kind: Parameters<typeof known>[0]) =>
      column(of, 'field').filter((path) => !known(kind).includes(path));
    assert.deepEqual(stray(POLICY, 'RightsizePolicy'), []);
    assert.deepEqual(stray(CLUSTER_POLICY, 'ClusterRightsizePolicy'), []);
    assert.deepEqual(stray(RECOMMENDATION, 'Recommendation'), []);
  });

  it('every reason for which something is held', () => {
    const reasons = [...HOLDS, ...ADMISSION_GATES, ...GATE_REASONS];
    assert.deepEqual(missing(RECOMMENDATION, reasons), []);
  });

  it('every reason for which use cannot be read', () => {
    assert.deepEqual(missing(RECOMMENDATION, FAILURES), []);
  });

  it('every clamp, in no other spelling', () => {
    assert.deepEqual([...column(RECOMMENDATION, 'clamp')].sort(), [...CLAMPS].sort());
  });

  it('every condition, reason and state that the operator writes', () => {
    const files = observers('src/controller');
    assert.ok(files.length > 4);
    const ofPolicies = files.filter((file) => POLICY_FILES.includes(file));
    const words = (of: readonly string[]) =>
      of.flatMap(wordsOf).filter((word) => !OTHERS.has(word));
    assert.deepEqual(missing(POLICY, words([...ofPolicies, ...POLICY_FILES])), []);
    const others = files.filter((file) => !ofPolicies.includes(file));
    assert.deepEqual(missing(RECOMMENDATION, words(others)), []);
  });

  it('no reason that nothing in the source says', () => {
    const said = new Set(
      ['api', 'controller', 'recommend', 'resize'].flatMap((folder) =>
        readdirSync(`src/${folder}`).flatMap((file) => wordsOf(`src/${folder}/${file}`)),
      ),
    );
    const stray = column(RECOMMENDATION, 'reason').filter((word) => !said.has(word));
    assert.deepEqual(stray, []);
  });
});

/** What the operator writes has no defaults, and its closed sets are told where they matter. */
function withoutFacts(fields: readonly Field[]): readonly Field[] {
  return fields.map(({ path }) => ({ path, facts: [] }));
}

describe('the page about acting', () => {
  it('has the gates in their order', () => {
    assert.deepEqual(column(ACTING, 'gate'), [...GATE_REASONS]);
  });

  it('has the lanes and the signals of a rescue', () => {
    assert.deepEqual([...column(ACTING, 'lane')].sort(), [...LANES].sort());
    assert.deepEqual(
      [...column(ACTING, 'signal')].sort(),
      [...union('src/resize/signals.ts', 'RescueCause')].sort(),
    );
  });
});

interface Manifest {
  readonly kind: string;
  readonly spec: unknown;
  readonly status?: unknown;
}

/** What is wrong with a manifest; empty when it applies. */
function wrong({ kind, spec, status }: Manifest): readonly string[] {
  const definition = KIND_DEFINITIONS.find((each) => each.kind === kind);
  if (definition === undefined) return [`kind ${kind}`];
  const check = (part: 'spec' | 'status', schema: z.ZodType, value: unknown) => [
    ...(schema.safeParse(value).error?.issues.map(({ message }) => message) ?? []),
    ...unknownFields(definition.kind, part, value),
  ];
  return [
    ...check('spec', definition.spec, spec),
    ...(status === undefined ? [] : check('status', definition.status, status)),
  ];
}

describe('the examples of the docs', () => {
  const pages = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => page(`docs/${file}`));
  const manifests = pages.flatMap((of) =>
    blocks(of, 'yaml')
      .filter((text) => text.startsWith('apiVersion: rightsize.dev/'))
      .map((text) => ({ path: of.path, manifest: parse(text) as Manifest })),
  );

  it('are accepted by the schemas of their kinds', () => {
    assert.ok(manifests.length >= 6);
    for (const { path, manifest } of manifests) assert.deepEqual(wrong(manifest), [], path);
  });

  it('of policies are samples that are applied to a real API server', () => {
    for (const [of, name] of [
      [POLICY, 'careful'],
      [CLUSTER_POLICY, 'cluster'],
    ] as const) {
      const [text = ''] = blocks(of, 'yaml');
      const sample = samples('valid').find((each) => each.name === name);
      assert.deepEqual(parse(text), sample?.object);
    }
  });
});
