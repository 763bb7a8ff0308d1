import assert from 'node:assert/strict';
import { parseMatcher } from '../../../src/prometheus/matcher.ts';

describe('matchers', () => {
  const matchers = {
    'cluster=x': { label: 'cluster', operator: '=', value: 'x' },
    'cluster="x y"': { label: 'cluster', operator: '=', value: 'x y' },
    'cluster=~"a|b"': { label: 'cluster', operator: '=~', value: 'a|b' },
    'cluster!=x': { label: 'cluster', operator: '!=', value: 'x' },
    'cluster!~x.*': { label: 'cluster', operator: '!~', value: 'x.*' },
    'cluster=': { label: 'cluster', operator: '=', value: '' },
    'cluster=(': { label: 'cluster', operator: '=', value: '(' },
    'cluster=a,b': { label: 'cluster', operator: '=', value: 'a,b' },
    'cluster="=x"': { label: 'cluster', operator: '=', value: '=x' },
    [`cluster="'x'"`]: { label: 'cluster', operator: '=', value: "'x'" },
    'cluster="a,b=c"': { label: 'cluster', operator: '=', value: 'a,b=c' },
  };
  for (const [text, want] of Object.entries(matchers)) {
    it(`are read from ${text}`, () => assert.deepEqual(parseMatcher(text), want));
  }

  for (const text of ['cluster', '=x', '1a=x', 'a b=x', 'cluster="x', '{cluster="x"}']) {
    it(`are not read from ${text}`, () =>
      assert.throws(() => parseMatcher(text), /label matcher|quoted label value/));
  }

  const mistakes: Readonly<Record<string, RegExp>> = {
    'cluster==x': /^"==" is no operator: write cluster=value; .*"=x"/,
    'cluster=="x"': /^"==" is no operator: write cluster=value/,
    'cluster!==x': /^"==" is no operator/,
    "cluster='eu'": /^'eu' is in quotes of another kind: write cluster="value"; /,
    'cluster=~`eu`': /is in quotes of another kind: write cluster="value"/,
    'x=a,b=c': /^x is followed by another label: write each in a --prometheus-matcher of its own; /,
    'x=a, b!~"c"': /^x is followed by another label/,
  };
  for (const [text, message] of Object.entries(mistakes)) {
    it(`are told how to write it for ${text}`, () =>
      assert.throws(() => parseMatcher(text), { message }));
  }

  // Each was held against a Prometheus, which refuses the first, and answers to the second.
  const broken = [
    ...['(', 'a)', '*', 'a|*b', '[a', 'a\\', 'a**', '(?i', '(?z)a', '(?i:(a)', '[\\]', 'a{2,1}'],
    '\\Q(',
  ];
  for (const pattern of broken) {
    it(`have no pattern such as ${pattern}`, () => {
      for (const text of [`cluster=~${pattern}`, `cluster!~${JSON.stringify(pattern)}`]) {
        assert.throws(() => parseMatcher(text), /has a pattern that no server can read: look at/);
      }
    });
  }

  const whole = [
    ...['', 'a|b', 'eu-.*', '(?i)eu', '(?i:eu)x', '(?P<name>a)', '(?s-m)a', '()*', 'a{,3}'],
    ...['[(]', '[]()]', '[^](]', '[[:alpha:](]', '[a-z]*', '\\(', '\\Q(*\\E', '^*', '\\b+'],
    ...['\\x{41}*', '\\pL+', '\\p{Greek}{2}', 'a{2}?', '(a|)+', '{', 'a}', ']'],
  ];
  for (const pattern of whole) {
    it(`have a pattern such as ${pattern}`, () =>
      assert.equal(parseMatcher(`cluster=~${JSON.stringify(pattern)}`).value, pattern));
  }
});
