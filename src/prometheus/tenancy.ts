import type { PrometheusOptions } from './options.ts';
import { matcherText, oneOf, type LabelMatcher } from './queries.ts';

const STRING = /"(?:[^"\\]|\\.)*"/g;
/** Labels that are no selectors: `by (namespace)`. */
const GROUPING = /\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g;
const SELECTOR = /[\w:]*\s*\{([^{}]*)\}/g;
/** A name that is no function and no operator, so a metric without a selector. */
const BARE_METRIC = /[a-zA-Z_:][\w:]*\b(?!\s*\()/g;
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** The matchers of every selector: those that were given, and the namespaces that must not be left. */
export function matchersOf({
  matchers = [],
  namespaces,
}: PrometheusOptions): readonly LabelMatcher[] {
  return namespaces === undefined ? matchers : [...matchers, oneOf('namespace', namespaces)];
}

/**
 * A check of texts of queries, the last one before they are sent: throws for one with a selector that lacks any of the
 * matchers. Such a query is a mistake of ours, and is not to be answered.
 */
export function createFence(matchers: readonly LabelMatcher[]): (query: string) => void {
  if (matchers.length === 0) return () => undefined;
  const wanted = matchers.map(matcherText);
  return (query) => {
    if (!isWithin(query, wanted)) {
      throw new Error(`a query without ${wanted.join(',')} is not sent: ${query.slice(0, 200)}`);
    }
  };
}

function isWithin(query: string, wanted: readonly string[]): boolean {
  const texts: string[] = [];
  // Texts may hold braces; each becomes its number, which tells it from the others.
  const numbered = (text: string): string =>
    text.replace(STRING, (found) => {
      const at = texts.indexOf(found);
      return `"${at < 0 ? texts.push(found) - 1 : at}"`;
    });
  const rest = numbered(query)
    .replace(GROUPING, ' ')
    .replace(/\[[^\]]*\]/g, ' ');
  const needed = wanted.map(numbered);
  const selectors = [...rest.matchAll(SELECTOR)];
  const isEach = selectors.every(([, inner = '']) =>
    needed.every((matcher) => inner.split(',').includes(matcher)),
  );
  const others = rest.replace(SELECTOR, ' ').match(BARE_METRIC) ?? [];
  return isEach && others.every((name) => OPERATORS.has(name.toLowerCase()));
}
