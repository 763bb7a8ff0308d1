import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { GridSeries } from '../../src/backtest/grid.ts';
import { PEER_NAMES } from '../../src/backtest/peers/peer.ts';
import { readGrids } from '../../src/csv/grid.ts';
import { renderBacktestPage } from '../../src/report/html/backtestpage.ts';
import { generatedFleet, pageOfFleet } from '../support/backtest-page.ts';
import { tracesFolder } from '../support/trace-shapes.ts';

const DATASETS = ['crane-dsp-a', 'gcd2011-jobs', 'kruize-openshift-a', 'nab-aws'] as const;
/** Debian's. It runs without its sandbox, which root cannot have, and shows one file of our own. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const QUIET = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Where given, pictures of the whole page are left there. */
const PICTURES = process.env['PICTURES'];

const VIEWS = [
  { name: 'desktop, light', width: 1280, scheme: 'light' },
  { name: 'desktop, dark', width: 1280, scheme: 'dark' },
  { name: 'phone, light', width: 390, scheme: 'light' },
  { name: 'phone, dark', width: 390, scheme: 'dark' },
] as const;

/** Pixels of the page below which text is not read. */
const LEAST_TEXT_PIXELS = 10;
/** WCAG 2.2, level AA, text of any size. */
const LEAST_CONTRAST = 4.5;

async function fleet(): Promise<readonly GridSeries[]> {
  const files = DATASETS.map((name) => join(tracesFolder(), `${name}.csv.gz`));
  if (!files.every((file) => existsSync(file))) return generatedFleet(12, 16);
  return Array.fromAsync(readGrids(files, AbortSignal.timeout(60_000)));
}

/** The contrast of a text with the nearest background behind it, as WCAG defines it. */
const CONTRAST = `(element) => {
  const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(element);
  let behind = element;
  while (behind.parentElement && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const ink = luminance(element.closest('svg') ? style.fill : style.color);
  const paper = luminance(getComputedStyle(behind).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}`;

/** Pairs of labels in a chart that share more than a pixel each way. */
const OVERLAPS = `[...document.querySelectorAll('svg.chart')].flatMap((chart) => {
  const labels = [...chart.querySelectorAll('text')].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
  return labels.flatMap((a, i) => labels.slice(i + 1)
    .filter((b) => Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1
      && Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 5)
    .map((b) => chart.getAttribute('class') + ': ' + a.text + ' / ' + b.text));
})`;

/** `measure` is a function of an element, in the browser's own words: the tests' types know no document. */
function overEach(page: Page, selector: string, measure: string): Promise<readonly number[]> {
  return page.evaluate(`[...document.querySelectorAll('${selector}')].map(${measure})`);
}

describe('page of a backtest in a browser', function () {
  this.timeout(120_000);
  let browser: Browser | undefined;
  let folder: string | undefined;
  let url: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-page-'));
    const file = join(folder, 'backtest.html');
    const page = pageOfFleet(await fleet(), {
      peers: PEER_NAMES,
      current: { cpu: 0.5, memory: 2 ** 30 },
    });
    await writeFile(file, renderBacktestPage(page));
    url = pathToFileURL(file).href;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });

  after(async () => {
    await browser?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  for (const { name, width, scheme } of VIEWS) {
    describe(name, () => {
      let page: Page;
      const said: string[] = [];
      const asked: string[] = [];

      before(async () => {
        assert.ok(browser);
        page = await browser.newPage({
          viewport: { width, height: 900 },
          colorScheme: scheme,
          offline: true,
        });
        page.on('console', (message) => said.push(message.text()));
        page.on('pageerror', (error) => said.push(error.message));
        page.on('request', (request) => asked.push(request.url()));
        await page.goto(url);
        if (PICTURES !== undefined) {
          const path = join(PICTURES, `${name.replace(', ', '-')}.png`);
          await page.screenshot({ path, fullPage: true });
        }
      });

      after(() => page.close());

      it('has no error, and asks for no other file', () => {
        assert.deepEqual(said, []);
        assert.deepEqual(asked, [url]);
      });

      it('draws all charts inside the page', async () => {
        const charts = await page.locator('svg.chart').all();
        assert.ok(charts.length > 20, `${charts.length} charts`);
        for (const chart of charts) {
          const box = await chart.boundingBox();
          assert.ok(box && box.width > 300 && box.height > 100, JSON.stringify(box));
          assert.ok(box.x >= 0 && box.x + box.width <= width, JSON.stringify(box));
        }
      });

      it('draws lines, bars and steps that take up room', async () => {
        for (const marks of ['.own', '.peer', '.request', '.use', '.use-range']) {
          const widths = await overEach(
            page,
            `svg.chart ${marks}`,
            '(mark) => mark.getBoundingClientRect().width',
          );
          assert.ok(
            widths.length > 0 && widths.every((each) => each > 20),
            `${marks}: ${widths.join(' ')}`,
          );
        }
        const bars = await overEach(
          page,
          'svg.histogram .bar',
          '(bar) => bar.getBoundingClientRect().height',
        );
        assert.ok(Math.max(...bars) > 80);
      });

      it('keeps the texts of a chart inside the page', async () => {
        const ends = await overEach(
          page,
          'svg.chart text',
          '(text) => text.getBoundingClientRect().right',
        );
        assert.ok(Math.max(...ends) <= width, `${Math.max(...ends)} px`);
      });

      it('writes no label over another', async () => {
        const overlaps = await page.evaluate<readonly string[]>(OVERLAPS);
        assert.deepEqual(overlaps, []);
      });

      it('does not scroll sideways', async () => {
        const scrolled = await page.evaluate<number>('document.documentElement.scrollWidth');
        assert.equal(scrolled, width);
      });

      it('writes no text too small to read', async () => {
        const html = await overEach(
          page,
          'p, th, td, dt, dd, figcaption, caption, li',
          '(text) => parseFloat(getComputedStyle(text).fontSize)',
        );
        const drawn = await overEach(
          page,
          'svg.chart text',
          '(text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a',
        );
        assert.ok(Math.min(...html, ...drawn) >= LEAST_TEXT_PIXELS);
      });

      it('sets text off from what is behind it', async () => {
        const texts = 'h1, h1 span, h2, .word, p, th, td, dt, dd, caption, text, .note';
        assert.ok(Math.min(...(await overEach(page, texts, CONTRAST))) >= LEAST_CONTRAST);
      });
    });
  }

  it('prints', async () => {
    assert.ok(browser);
    const page = await browser.newPage({ colorScheme: 'dark' });
    await page.goto(url);
    const pdf = await page.pdf({ format: 'A4' });
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    assert.equal(paper, 'rgb(255, 255, 255)');
    await page.close();
  });
});
