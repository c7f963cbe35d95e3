/** The messages between a client and the `search` workflow, as plain JSON. */
import type { Pipeline } from '../app/config/pipeline.js';
import type { SearchOver } from '../app/config/search.js';
import type { SweepSource } from '../app/config/sweep.js';
import type { SweepMember } from './sweep-protocol.js';

export type { SearchResult, SearchRow, SearchTable, TriedPoint } from '../activities/search-result.js';

/** Name of the workflow type. Its progress is read with the same query as a sweep's (`sweepTableQuery`). */
export const searchWorkflow = 'search';

export interface SearchRequest {
  name: string;
  over: SearchOver;
  /** The first point's pipeline. The other points differ little from it. */
  base: Pipeline;
  /** All points of the grid, the sparsest last. The points that are tried become members, as in a sweep. */
  members: SweepMember[];
  /** Names of the search attributes that are registered on the server. Only these are set on members. */
  searchable: string[];
  source: SweepSource;
}
