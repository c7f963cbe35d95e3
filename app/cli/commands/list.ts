import type { WorkflowExecutionInfo } from '@temporalio/client';
import { pausedMemo, pipelineWorkflow } from '../../../workflows/protocol.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { labelFilter, type LabelOptions, type RunLabels } from '../run-labels.js';
import { runStart } from '../run-start.js';
import { hasServer, openSession } from '../session.js';
import { printJson } from '../output.js';
import { textTable, timeText } from '../text-table.js';

export type ListOptions = LabelOptions;

/** Labels are absent for runs that were started before there were any. */
interface Listed extends Partial<RunLabels> {
  workflowId: string;
  runId: string;
  status: string;
  started: string;
  name: string;
  taskQueue: string;
}

/**
 * `list`: the pipelines that the server knows, the newest first. Filtered here and not by the server, which may not know
 * our search attributes: every run has its labels as a memo.
 * @returns the exit code
 */
export async function listCommand(asked: ListOptions, options: GlobalOptions): Promise<number> {
  // A server is not brought up, nor a state folder made, only to find that there is nothing.
  const isWanted = labelFilter(asked);
  const all = hasServer(options.state) ? await listPipelines(options.state) : [];
  const pipelines = all.filter(isWanted);
  if (options.json) printJson({ pipelines });
  else process.stdout.write(pipelines.length === 0 ? none(all.length, options.state) : `${table(pipelines)}\n`);
  return exitCode.done;
}

function none(others: number, state: string): string {
  return others === 0 ? `No pipeline has run yet (state ${state}).\n` : `None of the ${others} pipelines has these labels.\n`;
}

async function listPipelines(state: string): Promise<Listed[]> {
  const session = await openSession(state);
  try {
    const pipelines: Listed[] = [];
    for await (const execution of session.client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}' AND ExecutionStatus != 'ContinuedAsNew'` })) pipelines.push(listed(execution));
    return pipelines.sort((a, b) => (a.started < b.started ? 1 : -1));
  } finally {
    await session.close();
  }
}

function listed(execution: WorkflowExecutionInfo): Listed {
  const { workflowId, runId, status, taskQueue, memo } = execution;
  const { pipeline, model, sparsity, pattern, methods, gate, [pausedMemo]: paused } = (memo ?? {}) as Partial<RunLabels & { pipeline: string; [pausedMemo]: boolean }>;
  return {
    workflowId,
    runId,
    status: status.name === 'RUNNING' && paused ? 'paused' : status.name === 'COMPLETED' && gate === 'failed' ? 'gate failed' : statusWord(status.name),
    started: runStart(execution).toISOString(),
    name: pipeline ?? workflowId.replace(/-[0-9a-f]{16}$/, ''),
    taskQueue,
    model,
    sparsity,
    pattern,
    methods,
    gate,
  };
}

/** Cancelling a pipeline that no worker serves ends it by termination. */
function statusWord(name: string): string {
  return name === 'TERMINATED' ? 'cancelled' : name.toLowerCase().replaceAll('_', ' ');
}

function table(pipelines: readonly Listed[]): string {
  const rows = pipelines.map(({ started, status, name, model, sparsity, pattern, methods, workflowId }) => {
    return [timeText(started), status, name, model ?? '', sparsity?.toString() ?? '', pattern ?? '', methods?.join(', ') ?? '', workflowId];
  });
  return textTable([['STARTED', 'STATUS', 'NAME', 'MODEL', 'SPARSITY', 'PATTERN', 'METHODS', 'WORKFLOW ID'], ...rows]);
}
