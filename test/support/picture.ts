import { markup, type Markup } from '../../src/report/html/markup.ts';
import { STYLE } from '../../src/report/html/style.ts';

/** Pixels around and above the chart, and of a row of the legend. */
const SPACE = 16;
const HEAD = 34;
const LEGEND = 26;

/** A mark as it is drawn, 30 by 14 pixels, and what it means. */
export type LegendEntry = readonly [swatch: Markup, text: string];

export interface Picture {
  readonly title: string;
  /** An SVG element of the backtest's page. */
  readonly chart: Markup;
  /** Side by side below the title; one row. */
  readonly legend?: readonly LegendEntry[];
}

/**
 * A chart of the page as a file of its own: with the page's colours for light and for dark written out, on paper of its
 * own, since what it is shown on may be lighter or darker than what the reader prefers.
 */
export function pictureOf({ title, chart, legend = [] }: Picture): string {
  const { width, height } = sizeOf(chart);
  const top = HEAD + (legend.length > 0 ? LEGEND : 0);
  const all = { width: width + 2 * SPACE, height: top + height + SPACE };
  const slot = width / Math.max(1, legend.length);
  const { source } =
    markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${all.width} ${all.height}" width="${all.width}" height="${all.height}">
<style>${{ source: pictureStyle() }}</style>
<rect class="paper" width="${all.width}" height="${all.height}" rx="8"/>
<text class="title" x="${SPACE}" y="23">${title}</text>
${legend.map(([swatch, text], i) => markup`<g transform="translate(${SPACE + i * slot} ${HEAD})">${swatch}<text class="entry" x="36" y="12">${text}</text></g>`)}
${placed(chart, { x: SPACE, y: top, width, height })}
</svg>
`;
  return source;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function sizeOf({ source }: Markup): Pick<Place, 'width' | 'height'> {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(source) ?? [];
  if (width === undefined || height === undefined) throw new Error('the chart has no viewBox');
  return { width: Number(width), height: Number(height) };
}

function placed({ source }: Markup, { x, y, width, height }: Place): Markup {
  const at = `<svg x="${x}" y="${y}" width="${width}" height="${height}" `;
  return { source: source.replace(/^<svg /, at) };
}

const OWN_RULES = `.chart { overflow: visible; }
.paper { fill: var(--paper); }
.title { fill: var(--ink); font-size: 15px; font-weight: 650; }
.entry { fill: var(--muted); font-size: 13px; }
`;

/** The rules of the page that a chart needs, with each colour in the place of its name. */
function pictureStyle(): string {
  const charts = STYLE.split('\n').filter((rule) =>
    /^\.(?:chart [^{]|grid|use|request|current|rug)/.test(rule),
  );
  const rules = `${OWN_RULES}${charts.join('\n')}`;
  const [light = '', dark = ''] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, names = '']) =>
    coloured(rules, names),
  );
  return `
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
${light}
@media (prefers-color-scheme: dark) {
${dark}
}
`;
}

/** Programs that draw SVG know no variables. */
function coloured(rules: string, names: string): string {
  const colours = new Map(
    [...names.matchAll(/(--[a-z-]+): (#[0-9a-f]+)/g)].map(([, name = '', colour = '']) => [
      name,
      colour,
    ]),
  );
  return rules.replace(/var\((--[a-z-]+)\)/g, (_, name: string) => {
    const colour = colours.get(name);
    if (colour === undefined) throw new Error(`the page has no colour ${name}`);
    return colour;
  });
}
