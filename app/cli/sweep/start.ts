import type { Client } from '@temporalio/client';
import { sweepWorkflow, type MemberOutcome, type SweepRequest } from '../../../workflows/sweep-protocol.js';
import { OtherStateError } from '../errors.js';
import { labelsOf } from '../run-labels.js';
import { searchAttributesFor } from '../search-attributes.js';
import { describeSweep } from './find.js';

/** Starts a sweep, or attaches to it if it is running. @throws OtherStateError if it is running on another state's task queue */
export async function startSweep(client: Client, workflowId: string, request: SweepRequest, taskQueue: string): Promise<StartedFamily> {
  return await startFamily(client, { type: sweepWorkflow, workflowId, request, taskQueue, memo: { sweep: request.name, members: request.members.length }, staticSummary: `${request.members.length} members` });
}

export interface StartedFamily {
  attached: boolean;
  runId: string;
}

/** A sweep or a search to start. */
interface Startable {
  type: string;
  workflowId: string;
  request: Pick<SweepRequest, 'base' | 'searchable'>;
  taskQueue: string;
  memo: Record<string, unknown>;
  /** Shown on Temporal's own web page. */
  staticSummary: string;
}

/** Starts a workflow of members, or attaches to it if it is running. @throws OtherStateError if it is running on another state's task queue */
export async function startFamily(client: Client, { type, workflowId, request, taskQueue, memo, staticSummary }: Startable): Promise<StartedFamily> {
  const before = await describeSweep(client, workflowId, type);
  const { attributes } = await searchAttributesFor(client, labelsOf(request.base));
  await client.workflow.start(type, {
    args: [{ ...request, searchable: attributes.map(({ key }) => key.name) }],
    taskQueue,
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    memo,
    staticSummary,
  });
  const execution = await client.workflow.getHandle(workflowId).describe();
  if (execution.taskQueue !== taskQueue) {
    throw new OtherStateError({
      what: `${type} ${workflowId} is already running on task queue ${execution.taskQueue} of another state`,
      expected: `task queue ${taskQueue}`,
      remedy: `Follow it with \`npx temporal-pipeline ${type} watch ${workflowId}\`, cancel it, or give its state folder with --state`,
    });
  }
  return { attached: before?.status.name === 'RUNNING' && before.runId === execution.runId, runId: execution.runId };
}

/** Returns the request that continues an ended sweep. Members that are done or were skipped are kept; all others run again. */
export function resumed(request: SweepRequest): SweepRequest {
  const kept = Object.entries(request.outcomes).filter(([, { status }]: [string, MemberOutcome]) => status === 'done' || status === 'gateFailed' || status === 'skipped');
  return { ...request, outcomes: Object.fromEntries(kept) };
}
