/** Text that is markup already. Only `markup` makes it, so that a name can never be taken for a tag. */
export interface Markup {
  readonly source: string;
}

type Part = Markup | string | number | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template for HTML and SVG: parts are escaped, for text and for quoted attributes alike, unless they are markup. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const source = strings
    .map((text, i) => text + (i < parts.length ? sourceOf(parts[i] ?? '') : ''))
    .join('');
  return { source };
}

function sourceOf(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(Number(part.toFixed(2)));
  if (isParts(part)) return part.map(sourceOf).join('');
  return part.source;
}

function isParts(part: Markup | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part);
}

/** Control characters are not allowed in HTML, and would end a line of a name. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
    .replace(/\p{Cc}/gu, '\uFFFD');
}
