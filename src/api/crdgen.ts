import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { crd, KIND_DEFINITIONS } from './crd.ts';
import { GROUP, PLURALS } from './group.ts';

const HEADER = '# Made by `make generate` from src/api; do not edit.\n';

/** Writes crds/*.yaml, or with --check says which of them differ and exits 1. */
function main(argv: readonly string[]): number {
  const checkOnly = argv.includes('--check');
  const folder = argv.find((argument) => !argument.startsWith('--')) ?? 'crds';
  let stale = 0;
  for (const definition of KIND_DEFINITIONS) {
    const file = `${folder}/${GROUP}_${PLURALS[definition.kind]}.yaml`;
    const text =
      HEADER + stringify(crd(definition), { lineWidth: 0, aliasDuplicateObjects: false });
    if (text === read(file)) continue;
    if (checkOnly) {
      process.stderr.write(`${file} does not match src/api; run: make generate\n`);
      stale += 1;
      continue;
    }
    writeFileSync(file, text);
    process.stdout.write(`wrote ${file}\n`);
  }
  return stale === 0 ? 0 : 1;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

process.exitCode = main(process.argv.slice(2));
