/**
 * Puts what was measured between the comments `<!-- bench:NAME -->` and `<!-- bench:end -->` of a Markdown page; other
 * parts stay. Throws for a name that the page has no place for.
 */
export function fillPage(page: string, parts: ReadonlyMap<string, string>): string {
  let filled = page;
  for (const [name, text] of parts) {
    const begin = `<!-- bench:${name} -->`;
    const from = filled.indexOf(begin);
    const to = filled.indexOf(END, from);
    if (from < 0 || to < 0) throw new Error(`the page has no "${begin}" with "${END}" after it`);
    filled = `${filled.slice(0, from)}${begin}\n\n${text}\n\n${filled.slice(to)}`;
  }
  return filled;
}

const END = '<!-- bench:end -->';
