/** A block of queries that are processed together with the keys that they see. */
export interface QueryBlock {
  /** The first query, and the number of queries. */
  start: number;
  rows: number;
  /** The first key that any of them sees, and the number of keys from there to the last query. */
  firstKey: number;
  keys: number;
}

/** With fewer queries per block, the extra operations cost more than they save. */
const minRows = 128;

/** With an eighth of the queries per block, 56 % of all pairs are computed; the 50 % before the diagonal are needed. */
const defaultRows = (time: number): number => Math.max(minRows, Math.ceil(time / 8));

/**
 * Divides the queries of a causal attention into blocks, in order.
 * @param rows queries per block; the last block may have fewer
 * @param window number of positions that a query sees, including its own; by default, all before it
 */
export function queryBlocks(time: number, { rows: most = defaultRows(time), window = time }: { rows?: number; window?: number }): QueryBlock[] {
  return Array.from({ length: Math.ceil(time / most) }, (_, index) => {
    const start = index * most;
    const rows = Math.min(most, time - start);
    const firstKey = Math.max(0, start + 1 - window);
    return { start, rows, firstKey, keys: start + rows - firstKey };
  });
}

/** Counts the query-key pairs that are computed for a sequence: in all blocks, and in the largest block. */
export function pairsOfBlocks(time: number, window?: number): { all: number; largest: number } {
  const pairs = queryBlocks(time, { window }).map(({ rows, keys }) => rows * keys);
  return { all: pairs.reduce((sum, count) => sum + count, 0), largest: Math.max(0, ...pairs) };
}
