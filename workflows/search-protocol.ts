/** What goes over the wire between a client and the `search` workflow. Plain JSON. */
import type { Pipeline } from '../app/config/pipeline.js';
import type { SearchOver } from '../app/config/search.js';
import type { SweepSource } from '../app/config/sweep.js';
import type { SweepMember } from './sweep-protocol.js';

export type { SearchResult, SearchRow, SearchTable, TriedPoint } from '../activities/search-result.js';

/** Name of the workflow type. How far it is, is asked by the same query as of a sweep (`sweepTableQuery`). */
export const searchWorkflow = 'search';

export interface SearchRequest {
  name: string;
  over: SearchOver;
  /** The first point's pipeline, from which the others differ little. */
  base: Pipeline;
  /** All points of the grid, the sparsest last. Those that are tried are members like a sweep's. */
  members: SweepMember[];
  /** Names of the search attributes that the server knows; members get those. */
  searchable: string[];
  source: SweepSource;
}
