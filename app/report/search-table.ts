import type { SearchResult, SearchTable, TriedPoint } from '../../workflows/search-protocol.js';
import { sweepRows } from './sweep-table.js';

/** The table of a search for people, heading first and the sparsest point last. The row of the answer is marked. */
export const searchRows = (table: Omit<SearchTable, 'mostRuns'>): string[][] => sweepRows(bySparsity(table));

/** Sorts the rows by sparsity. They come in the order in which they were tried. */
export const bySparsity = <Table extends Pick<SearchTable, 'rows'>>(table: Table): Table => ({ ...table, rows: [...table.rows].sort((a, b) => a.index - b.index) });

/** Returns the result of a search as a table. */
export function searchTable({ name, tried, best, points }: SearchResult): Omit<SearchTable, 'mostRuns'> {
  const answer = tried.find(({ workflowId }) => workflowId === best?.workflowId);
  const isOverPatterns = tried.some(({ pattern }) => pattern !== undefined);
  return { name, axes: [isOverPatterns ? 'initialMask.pattern' : 'initialMask.sparsity'], rows: tried.map(asRow), points, ...(answer && { best: { name: answer.name } }) };
}

function asRow({ passed, sparsity, sparsityFound, pattern, ...rest }: TriedPoint): SearchTable['rows'][number] {
  const values = { ...(pattern !== undefined && { 'initialMask.pattern': pattern }), 'initialMask.sparsity': sparsity };
  return { ...rest, ...(sparsityFound !== undefined && { sparsity: sparsityFound }), values, status: passed ? 'done' : 'gateFailed' };
}
