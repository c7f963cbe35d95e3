import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { pausedMemo, pipelineWorkflow } from '../../../workflows/protocol.js';
import type { RunLabels } from '../run-labels.js';
import { runStart } from '../run-start.js';

/** A run as the server lists it. Labels are absent for runs that were started before labels existed. */
export interface ListedRun extends Partial<RunLabels> {
  workflowId: string;
  runId: string;
  status: string;
  /** ISO 8601. */
  started: string;
  /** ISO 8601; absent while the run is running. */
  ended?: string;
  name: string;
  taskQueue: string;
}

/** Returns the pipelines that the server knows, newest first. A pipeline that was retried has one entry for each execution. */
export async function listRuns(client: Client): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  for await (const execution of client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}' AND ExecutionStatus != 'ContinuedAsNew'` })) runs.push(listed(execution));
  return runs.sort((a, b) => (a.started < b.started ? 1 : -1));
}

function listed(execution: WorkflowExecutionInfo): ListedRun {
  const { workflowId, runId, taskQueue, memo, closeTime } = execution;
  const { pipeline, model, sparsity, pattern, methods, gate } = (memo ?? {}) as Partial<RunLabels & { pipeline: string }>;
  return {
    workflowId,
    runId,
    status: runStatus(execution),
    started: runStart(execution).toISOString(),
    ...(closeTime && { ended: closeTime.toISOString() }),
    name: pipeline ?? workflowId.replace(/-[0-9a-f]{16}$/, ''),
    taskQueue,
    model,
    sparsity,
    pattern,
    methods,
    gate,
  };
}

/** Status of a run in one word: `running`, `paused`, `completed`, `gate failed`, `failed`, `cancelled`, ... */
export function runStatus({ status: { name }, memo }: Pick<WorkflowExecutionInfo, 'status' | 'memo'>): string {
  if (name === 'RUNNING' && memo?.[pausedMemo] === true) return 'paused';
  if (name === 'COMPLETED' && memo?.['gate'] === 'failed') return 'gate failed';
  // A pipeline that no worker serves is cancelled by termination.
  return name === 'TERMINATED' ? 'cancelled' : name.toLowerCase().replaceAll('_', ' ');
}
