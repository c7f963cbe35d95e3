/** The result of a search: what its workflow returns, and what its table, curve and report are made from. */
import type { GateResult } from './result.js';
import type { MemberOutcome, SweepRow, SweepTable } from './sweep-result.js';

/** A point that was tried, as a row of a sweep's table. */
export interface SearchRow extends SweepRow {
  /** Place in the grid, from 0. A larger index is sparser. */
  index: number;
  gates?: GateResult[];
  mask?: string;
}

/** A search's state, while it runs and at its end. */
export interface SearchTable {
  name: string;
  /** Path of the value that the search varies. */
  axes: [axis: string];
  cost?: SweepTable['cost'];
  /** In the order in which they were tried. */
  rows: SearchRow[];
  /** Points of the grid; `mostRuns` is the largest number of them that are tried. */
  points: number;
  mostRuns: number;
  /** The sparsest point so far that passed. */
  best?: { name: string };
}

/** A point in the result. */
interface Point {
  /** Target share of zeros, and the pattern if the search varies the pattern. */
  sparsity: number;
  pattern?: string;
  workflowId: string;
  /** Folder of the pruned checkpoint. `mask` is its mask file, `report` the run's own report. */
  checkpoint: string;
  mask: string;
  report: string;
}

export interface TriedPoint extends Point, Pick<MemberOutcome, 'perplexity' | 'accuracy' | 'chance' | 'seconds' | 'spent'> {
  /** For example `sparsity=0.5`. */
  name: string;
  /** Place in the grid, from 0. */
  index: number;
  passed: boolean;
  /** Share of zeros that was counted. */
  sparsityFound?: number;
  gates: GateResult[];
}

/** The result of a search's workflow. */
export interface SearchResult {
  name: string;
  /** The sparsest point that passes its gates; null if not even the first one does. */
  best: Point | null;
  /** In the order in which they were tried. */
  tried: TriedPoint[];
  runs: number;
  /** Points of the grid. */
  points: number;
  /** The report, Markdown; table and curve are beside it. */
  report: string;
}
