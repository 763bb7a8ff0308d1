import assert from 'node:assert/strict';
import type { BacktestPage, ResourcePage } from '../../../src/backtest/page.ts';
import { renderBacktestPage } from '../../../src/report/html/backtestpage.ts';
import { markup } from '../../../src/report/html/markup.ts';
import { apart, linePath, ticksTo } from '../../../src/report/html/scale.ts';
import { percent } from '../../../src/report/html/words.ts';
import { generatedFleet, pageOfFleet } from '../../support/backtest-page.ts';

const CURRENT = { cpu: 1.5, memory: 4 * 2 ** 30 } as const;
const page = pageOfFleet(generatedFleet(12, 9), { peers: ['vpa', 'max'], current: CURRENT });
const html = renderBacktestPage(page);

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, first]) => first ?? '');
}

describe('page of a backtest', () => {
  it('is one document without script, link or address of another file', () => {
    assert.match(html, /^<!doctype html>\n<html lang="en">/);
    assert.match(html, /<\/html>\n$/);
    for (const tag of ['script', 'link', 'img', 'iframe', 'object', 'use', 'image']) {
      assert.doesNotMatch(html, new RegExp(`<${tag}[\\s>]`), tag);
    }
    assert.doesNotMatch(html, /(href|src)=|url\(|@import|https?:/);
  });

  it('is the same bytes for the same data', () => {
    const again = pageOfFleet(generatedFleet(12, 9), { peers: ['vpa', 'max'], current: CURRENT });
    assert.equal(renderBacktestPage(again), html);
  });

  it('opens and closes the same tags', () => {
    const open: string[] = [];
    for (const [, slash, tag = '', rest] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
      if (['meta', 'circle', 'rect'].includes(tag) || rest?.endsWith('/')) continue;
      if (slash === '') open.push(tag);
      else assert.equal(open.pop(), tag);
    }
    assert.deepEqual(open, []);
  });

  it('has no number that is none', () => {
    assert.doesNotMatch(html, /NaN|Infinity|undefined|\[object/);
  });

  it('escapes the names of series and datasets', () => {
    const [fleet] = generatedFleet(1, 9);
    assert.ok(fleet);
    const names = ['<script>alert(1)</script>', '"onload="x', "a'b&c</style>", 'two\nlines\u0000'];
    const named = names.map((name) => ({ ...fleet, dataset: name, series: name }));
    const hostile = renderBacktestPage(pageOfFleet(named));
    assert.doesNotMatch(hostile, /<script|"onload="|b&c|<\/style>[^]*<\/style>/);
    assert.ok(!hostile.includes('\0'));
    assert.match(hostile, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    assert.match(hostile, /&quot;onload=&quot;x/);
    assert.match(hostile, /a&#39;b&amp;c&lt;\/style&gt;/);
    assert.match(hostile, /two\uFFFDlines\uFFFD/);
  });

  it('has one first heading, and skips no level', () => {
    const levels = matches(html, /<h([1-6])[\s>]/g).map(Number);
    assert.equal(levels.filter((level) => level === 1).length, 1);
    levels.reduce((before, level) => {
      assert.ok(level <= before + 1, `h${level} after h${before}`);
      return level;
    }, 0);
  });

  it('gives each table a caption, and each chart a title and a label', () => {
    assert.equal(matches(html, /(<table[\s>])/g).length, matches(html, /(<caption>)/g).length);
    const charts = matches(html, /<svg class="chart([^]*?<\/title>)/g);
    assert.equal(charts.length, matches(html, /(<svg class="chart)/g).length);
    for (const chart of charts) assert.match(chart, /role="img" aria-label="[^"]+">\n<title>[^<]+/);
  });

  it('draws at most ten worst containers of each resource, the worst first', () => {
    for (const { worst } of page.resources) {
      const rates = worst.map(({ realised }) => realised);
      assert.deepEqual(
        rates,
        [...rates].sort((a, b) => b - a),
      );
    }
    assert.equal(matches(html, /(<figure class="worst">)/g).length, 20);
    assert.equal(matches(html, /(<line class="current" x1="58")/g).length, 20);
  });

  it('draws peers of our cadence and daily ones apart', () => {
    assert.deepEqual(matches(html, /<figcaption><strong>(Peers \w+)<\/strong>/g), [
      'Peers hourly',
      'Peers daily',
      'Peers hourly',
      'Peers daily',
    ]);
    assert.equal(matches(html, /(<text class="peer-name")/g).length, 8);
  });

  it('leaves out what there is not', () => {
    const alone = renderBacktestPage(pageOfFleet(generatedFleet(3, 9)));
    assert.doesNotMatch(alone, /Peers|request today|Short histories/);
    assert.equal(matches(alone, /(class="chart cost-chart")/g).length, 2);
  });
});

describe('verdict of the page', () => {
  const heading = (text: string) =>
    (matches(text, /<h1>([^]*?)<\/h1>/g)[0] ?? '').replace(/<[^>]*>/g, '');
  /** The page with its CPU part changed, and without its other parts. */
  const withCpu = (verdict: BacktestPage['verdict'], change: Partial<ResourcePage>) => {
    const [cpu] = page.resources;
    assert.ok(cpu);
    const all = { ...cpu.all, ex: 0.0079 };
    return heading(
      renderBacktestPage({ ...page, verdict, resources: [{ ...cpu, all, ...change }] }),
    );
  };

  it('says that the promise was kept, with what was realised', () => {
    assert.equal(
      withCpu('kept', { verdict: 'kept' }),
      '✓ Kept: CPU was above the request 0.79% of the time, 2% promised.',
    );
  });

  it('says by how much each part of the promise was missed', () => {
    const misses = [
      { what: 'realised', promised: 0.02, found: 0.0243 },
      { what: 'kept', promised: 0.95, found: 0.91 },
    ] as const;
    assert.equal(
      withCpu('missed', { verdict: 'missed', misses }),
      '✗ Missed by 0.43 points of CPU time and 4 points of the containers that keep CPU: CPU was above the request 0.79% of the time, 2% promised.',
    );
  });

  it('says that there is too little data', () => {
    const young = pageOfFleet(generatedFleet(2, 2));
    assert.equal(
      heading(renderBacktestPage(young)),
      '? Too little data: no container has a week of use to judge by.',
    );
  });
});

describe('marks of a chart', () => {
  it('escapes parts, keeps markup, and rounds numbers', () => {
    assert.equal(markup`<b>${'<'}${markup`<i>`}${[1.005, 2]}</b>`.source, '<b>&lt;<i>12</b>');
  });

  const ticks: Readonly<Record<string, readonly number[]>> = {
    '0.83 of 4': [0, 0.25, 0.5, 0.75, 1],
    '60 of 3': [0, 20, 40, 60],
    '7 of 4': [0, 2, 4, 6, 8],
    '0 of 3': [0, 1],
  };
  for (const [input, want] of Object.entries(ticks)) {
    it(`puts round ticks up to ${input}`, () => {
      const [highest = 0, most = 0] = input.split(' of ').map(Number);
      assert.deepEqual(ticksTo(highest, most), want);
    });
  }

  it('moves labels that touch apart evenly, and keeps them inside', () => {
    const span = { from: 0, to: 100 };
    assert.deepEqual(apart([50, 10, 50], 10, span), [45, 10, 55]);
    assert.deepEqual(apart([2, 1], 10, span), [10, 0]);
    assert.deepEqual(apart([99, 98, 70], 10, span), [100, 90, 70]);
  });

  it('lifts the pen over a gap', () => {
    assert.equal(linePath([[0, 1], [2, 3.25], undefined, [4, 5]]), 'M0 1L2 3.3M4 5');
  });

  const shares: Readonly<Record<string, number>> = {
    '0%': 0,
    '<0.01%': 0.00004,
    '0.79%': 0.0079,
    '2%': 0.02,
    '98.4%': 0.9841,
    '100%': 1,
  };
  for (const [want, share] of Object.entries(shares)) {
    it(`writes ${share} as ${want}`, () => {
      assert.equal(percent(share), want);
    });
  }
});
