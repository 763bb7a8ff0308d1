import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { page } from './pages.ts';

const FILES = [
  'README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

interface Link {
  readonly text: string;
  readonly file: string;
  readonly anchor: string | undefined;
}

/** Links to files of this repository. */
function linksOf(path: string): readonly Link[] {
  const prose = page(path).text.replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/\[([^\]]*)\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    .filter(([, , target = '']) => !/^\w+:/.test(target))
    .map(([, text = '', target = '', anchor]) => ({
      text,
      file: target === '' ? path : join(dirname(path), target),
      anchor,
    }));
}

/** As GitHub makes them from headings. */
function anchorsOf(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('the docs', () => {
  it('link to files and headings that are there', () => {
    const links = FILES.flatMap((path) => linksOf(path).map((link) => ({ path, ...link })));
    assert.ok(links.length > 50);
    const dead = links.filter(
      ({ file, anchor }) =>
        !existsSync(file) ||
        (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor)),
    );
    assert.deepEqual(dead, []);
  });

  it('show what is never done by tests that are there', () => {
    const shown = linksOf('docs/never.md').filter(
      ({ file, text }) => file.endsWith('.test.ts') && text.includes(' '),
    );
    assert.ok(shown.length > 30);
    const stray = shown.filter(({ file, text }) => !readFileSync(file, 'utf8').includes(text));
    assert.deepEqual(stray, []);
  });

  it('give a test for each thing that is never done', () => {
    for (const [, ...rows] of page('docs/never.md').tables) {
      for (const [what, , tests = ''] of rows) assert.match(tests, /\.test\.ts\)/, what);
    }
  });

  it('name the metrics that the operator has, all of them and no others', () => {
    const source = ['metrics', 'changemetrics', 'prometheusmetrics']
      .map((name) => readFileSync(`src/telemetry/${name}.ts`, 'utf8'))
      .join('\n');
    const names = FILES.flatMap((path) => page(path).text.match(/\brightsize_[a-z_]+[a-z]/g) ?? []);
    const unknown = [...new Set(names)].filter(
      (name) => !source.includes(`'${name.replace(/_(bucket|sum|count)$/, '')}'`),
    );
    assert.deepEqual(unknown, []);
    const text = FILES.map((path) => page(path).text).join('\n');
    const untold = [...source.matchAll(/'(rightsize_[a-z_]+)'/g)].filter(
      ([, name = '']) => !text.includes(name),
    );
    assert.deepEqual(
      untold.map(([, name]) => name),
      [],
    );
  });
});
