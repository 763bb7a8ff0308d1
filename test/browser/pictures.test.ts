import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { generatedFleet } from '../support/backtest-page.ts';
import { picturesOf, picturesOfTraces, traceFiles } from '../support/pictures.ts';

const FOLDER = join(import.meta.dirname, '../../docs/pictures');
const FILES = readdirSync(FOLDER).sort();
/** Debian's. It runs without its sandbox, which root cannot have, and shows files of our own. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const MOST_BYTES = 60_000;
const LEAST_TEXT_PIXELS = 10;

function committed(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

/** Of each text, in pixels of the picture: where it begins and ends, and how high it is written. */
const TEXTS = `[...document.querySelectorAll('text')].map((text) => {
  const { left, right, top, bottom } = text.getBoundingClientRect();
  return { text: text.textContent, left, right, top, bottom, pixels: parseFloat(getComputedStyle(text).fontSize) };
})`;

interface DrawnText {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly pixels: number;
}

describe('pictures of the documentation', function () {
  this.timeout(180_000);

  it('are the same bytes for the same series', () => {
    const draw = () => {
      const fleet = generatedFleet(6, 12);
      return [...picturesOf(fleet, { dataset: 'generated', series: 'container-2' })];
    };
    assert.deepEqual(draw(), draw());
  });

  it('are all shown in docs/risk.md', () => {
    const text = readFileSync(join(FOLDER, '../risk.md'), 'utf8');
    for (const file of FILES) assert.ok(text.includes(`](pictures/${file})`), file);
  });

  if (traceFiles().length > 0) {
    it('are what `npm run pictures` draws from the real traces', async () => {
      const drawn = await picturesOfTraces();
      assert.deepEqual([...drawn.keys()].sort(), FILES);
      for (const [file, picture] of drawn) assert.ok(picture === committed(file), `${file} is old`);
    });
  }

  describe('in a browser', () => {
    let browser: Browser | undefined;

    before(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--disable-gpu'] });
    });

    after(() => browser?.close());

    async function opened(file: string, colorScheme: 'light' | 'dark'): Promise<Page> {
      assert.ok(browser);
      const page = await browser.newPage({ colorScheme, offline: true });
      await page.goto(pathToFileURL(join(FOLDER, file)).href);
      return page;
    }

    for (const file of FILES) {
      it(`${file} stands alone and is small`, async () => {
        assert.ok(Buffer.byteLength(committed(file)) < MOST_BYTES);
        const page = await opened(file, 'light');
        assert.equal(await page.evaluate('document.documentElement.localName'), 'svg');
        assert.equal(await page.evaluate('document.querySelectorAll("parsererror").length'), 0);
        assert.doesNotMatch(committed(file), /href|url\(|<script|@import/);
        await page.close();
      });

      it(`${file} has its own colours for light and dark`, async () => {
        const papers = [];
        for (const scheme of ['light', 'dark'] as const) {
          const page = await opened(file, scheme);
          papers.push(
            await page.evaluate('getComputedStyle(document.querySelector(".paper")).fill'),
          );
          await page.close();
        }
        assert.deepEqual(papers, ['rgb(253, 253, 252)', 'rgb(20, 23, 27)']);
      });

      it(`${file} keeps its texts inside, apart and readable`, async () => {
        const page = await opened(file, 'light');
        const width = await page.evaluate<number>('document.documentElement.viewBox.baseVal.width');
        const texts = await page.evaluate<readonly DrawnText[]>(TEXTS);
        assert.ok(texts.length > 3);
        for (const [i, one] of texts.entries()) {
          assert.ok(one.left >= 0 && one.right <= width, one.text);
          assert.ok(one.pixels >= LEAST_TEXT_PIXELS, one.text);
          const over = texts.slice(i + 1).filter((other) => overlap(one, other));
          assert.deepEqual(
            over.map(({ text }) => `${one.text} / ${text}`),
            [],
          );
        }
        await page.close();
      });
    }
  });
});

/** They share more than a pixel across, and more than the space between lines down. */
function overlap(a: DrawnText, b: DrawnText): boolean {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return across > 1 && down > 5;
}
