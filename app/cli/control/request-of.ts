import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { PipelineRequest } from '../../../workflows/protocol.js';
import type { Run } from '../start-pipeline.js';

/** Returns the request that a run was started with, from the first event of its history. */
export async function requestOf(client: Client, { workflowId, runId }: Run): Promise<PipelineRequest> {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({ namespace, execution: { workflowId, runId }, maximumPageSize: 1 });
  const input = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input;
  const [request] = await decodeArrayFromPayloads(loadedDataConverter, input?.payloads);
  return request as PipelineRequest;
}
