/** A search as its file describes it, with the pipeline of every point. Mirrors `schemas/search.schema.json`. */
import type { ParsedMember, SweepSource } from './sweep.js';

/** Sparsities `from`, `from + step`, ... `to`. */
export interface SparsityGrid {
  from: number;
  to: number;
  step: number;
}

/** What is searched: either sparsities or patterns. */
export type SearchOver = { sparsity: SparsityGrid } | { patterns: string[] };

export interface ParsedSearch {
  name: string;
  over: SearchOver;
  source: SweepSource;
  /** One for each point of the grid, the sparsest last. */
  members: ParsedMember[];
}
