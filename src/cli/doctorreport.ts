import type { Finding } from '../controller/finding.ts';

export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ result }) => result === 'FAIL');
}

/** A line each, with what to do in a line of its own where it is not OK; a sum at the end. */
export function doctorText(findings: readonly Finding[]): string {
  const checkWidth = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ area, check, result, found, todo }) => {
    const line = `${result.padEnd(4)}  ${area}  ${check.padEnd(checkWidth)}  ${found}`;
    return result === 'OK' || todo === undefined ? [line] : [line, `      -> ${todo}`];
  });
  return `${[...lines, '', sum(findings)].join('\n')}\n`;
}

/** `{"ok": true, "findings": [{"area": …, "check": …, "result": …, "found": …, "todo": …}]}` */
export function doctorJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: !hasFailed(findings), findings }, null, 2)}\n`;
}

function sum(findings: readonly Finding[]): string {
  const count = (wanted: Finding['result']): number =>
    findings.filter(({ result }) => result === wanted).length;
  return `${count('OK')} OK, ${count('WARN')} WARN, ${count('FAIL')} FAIL`;
}
