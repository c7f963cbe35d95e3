/** Returns a page with a new table between the two marks with this name. @throws Error if a mark is missing */
export function withTable(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: expected ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${table.trim()}\n\n${page.slice(to)}`;
}
