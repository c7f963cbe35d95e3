import type { Client } from '@temporalio/client';
import { searchWorkflow, type SearchRequest } from '../../../workflows/search-protocol.js';
import { startFamily, type StartedFamily } from '../sweep/start.js';

/**
 * Starts a search, or attaches to it if it is running. A search that has ended starts again and reuses its work from the store.
 * @throws OtherStateError if it is running on another state's task queue
 */
export async function startSearch(client: Client, workflowId: string, request: SearchRequest, taskQueue: string): Promise<StartedFamily> {
  return await startFamily(client, { type: searchWorkflow, workflowId, request, taskQueue, memo: { search: request.name, points: request.members.length }, staticSummary: `at most ${request.members.length} points` });
}
