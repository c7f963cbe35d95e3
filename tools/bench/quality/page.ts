const begin = '<!-- measured: begin -->';
const end = '<!-- measured: end -->';

/** A page with a new table between its marks. @throws Error where a mark is missing */
export function withTable(page: string, table: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: expected ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${table.trim()}\n\n${page.slice(to)}`;
}
