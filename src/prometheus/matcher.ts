import type { LabelMatcher } from './queries.ts';

/**
 * Reads a matcher as people write it: `cluster=x`, `cluster="x"`, `cluster=~"a|b"`. Throws with what is expected, also
 * for what Prometheus would take, and that can only be meant otherwise.
 */
export function parseMatcher(text: string): LabelMatcher {
  const match = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s.exec(text);
  const [, label, operator, written] = match ?? [];
  if (label === undefined || written === undefined || !isOperator(operator)) {
    throw new Error(`"${text}" is not a label matcher: write label=value, or label=~"a|b"`);
  }
  const value = valueOf(written, label);
  if (operator.endsWith('~') && isBroken(value)) {
    throw new Error(
      `"${text}" has a pattern that no server can read: look at its brackets, at signs such as "*" that repeat nothing, and at a "\\" at its end`,
    );
  }
  return { label, operator, value };
}

function isOperator(text: string | undefined): text is LabelMatcher['operator'] {
  return text === '=' || text === '!=' || text === '=~' || text === '!~';
}

function valueOf(written: string, label: string): string {
  if (written.startsWith('"')) return unquote(written);
  const quoted = JSON.stringify(written);
  const literally = `; where the value is ${quoted}, write it in double quotes`;
  if (written.startsWith('=')) {
    throw new Error(`"==" is no operator: write ${label}=value${literally}`);
  }
  if (/^['`]/.test(written)) {
    throw new Error(`${written} is in quotes of another kind: write ${label}="value"${literally}`);
  }
  if (/,\s*[a-zA-Z_]\w*\s*(=|!=|!~)/.test(written)) {
    throw new Error(
      `${label} is followed by another label: write each in a --prometheus-matcher of its own${literally}`,
    );
  }
  return written;
}

function unquote(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch (cause) {
    throw new Error(`${value} is not a quoted label value`, { cause });
  }
}

/**
 * What RE2 and JavaScript write differently, or repeat differently: quotes of `\Q…\E`, escapes, classes, anchors, and
 * groups with a name or with flags.
 */
const WRITTEN_OTHERWISE =
  /\\Q.*?\\E|\\(?:[xpP]\{[^}]*\}|.)|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|[\^$]|\(\?P?<\w+>|\(\?[imsU-]*[:)]/gs;

/** Whether a pattern is one neither to RE2, by which servers match, nor to JavaScript. */
function isBroken(pattern: string): boolean {
  const plain = pattern.replace(WRITTEN_OTHERWISE, (piece) => {
    if (!piece.startsWith('(')) return 'x';
    return piece.endsWith(')') ? '' : '(';
  });
  try {
    new RegExp(plain);
    return false;
  } catch {
    return true;
  }
}
