// Holds src against the direction rules of .dependency-cruiser.cjs, and then the rules against a tree that breaks each
// of them once: dependency-cruiser finds no fault where it finds no modules, or where a rule matches nothing.
//   node test/architecture/check.ts
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  cruise,
  type ICruiseOptions,
  type ICruiseResult,
  type IFlattenedRuleSet,
} from 'dependency-cruiser';

interface Configuration {
  readonly forbidden: readonly { readonly name: string }[];
  readonly options: ICruiseOptions;
}

const ROOT = join(import.meta.dirname, '../..');
const FIXTURE = join(import.meta.dirname, 'fixture');
const configuration = createRequire(import.meta.url)(
  '../../.dependency-cruiser.cjs',
) as Configuration;

/** The modules and violations of the `src` folder in a folder. */
async function cruiseSources(baseDir: string): Promise<ICruiseResult> {
  const { output } = await cruise(['src'], {
    ...configuration.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: configuration.forbidden } as IFlattenedRuleSet,
  });
  if (typeof output === 'string') throw new Error(`cruise ${baseDir}/src: ${output}`);
  return output;
}

function problemsOfSources({ modules, summary }: ICruiseResult): readonly string[] {
  const cruised = modules.filter(({ source }) => source.startsWith('src/')).length;
  const files = globSync(join(ROOT, 'src/**/*.ts')).length;
  const tooFew =
    cruised >= files ? [] : [`only ${cruised} of the ${files} files in src were looked at`];
  const violations = summary.violations.map(
    ({ from, to, rule }) => `${from} → ${to} breaks ${rule.name}`,
  );
  return [...tooFew, ...violations];
}

/** Each file there names in its first line the rule that it breaks, if it does. */
function problemsOfFixture({ summary }: ICruiseResult): readonly string[] {
  const broken = globSync('src/**/*.ts', { cwd: FIXTURE }).flatMap((file) => {
    const rule = /^\/\/ ([a-z-]+)\n/.exec(readFileSync(join(FIXTURE, file), 'utf8'))?.[1];
    return rule === undefined ? [] : [`${file} breaks ${rule}`];
  });
  const found = summary.violations.map(({ from, rule }) => `${from} breaks ${rule.name}`);
  const unchecked = configuration.forbidden
    .filter(({ name }) => !broken.some((text) => text.endsWith(` ${name}`)))
    .map(({ name }) => `no file in test/architecture/fixture breaks ${name}`);
  const difference = (ours: readonly string[], theirs: readonly string[], text: string) =>
    ours
      .filter((one) => !theirs.includes(one))
      .map((one) => `test/architecture/fixture: ${one}${text}`);
  return [
    ...unchecked,
    ...difference(broken, found, ', but nothing was found'),
    ...difference(found, broken, ', but must not'),
  ];
}

const problems = [
  ...problemsOfSources(await cruiseSources(ROOT)),
  ...problemsOfFixture(await cruiseSources(FIXTURE)),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
