import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Stage } from '../../config/pipeline.js';
import { pipelineWorkflow, type PipelineRequest } from '../../../workflows/protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { withRun } from '../find-run.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { pipelineStart } from '../start-pipeline.js';

export interface RetryOptions {
  from?: string;
}

/**
 * `retry [workflowId|FILE] [--from STAGE]`: runs an ended pipeline again, as it was started, on the task queue that it was on.
 * Without a stage all finished work is found; with one, that stage and all later ones are recomputed.
 * @returns the exit code
 */
export async function retryCommand(which: string | undefined, { from }: RetryOptions, options: GlobalOptions): Promise<number> {
  return await withRun(which, options, async (client, execution) => {
    const { workflowId, taskQueue, status } = execution;
    const running = (cause?: unknown): CommandLineError =>
      new CommandLineError({ what: `pipeline ${workflowId} is running`, remedy: `Cancel it first: ${commandText(['cancel', workflowId, ...stateWords(options.state)])}` }, { cause });
    if (status.name === 'RUNNING') throw running();
    if (status.name === 'COMPLETED' && from === undefined) {
      throw new CommandLineError({ what: `pipeline ${workflowId} is complete, and no part of it failed`, remedy: 'Name with --from the first stage to recompute' });
    }
    const before = await requestOf(client, execution);
    const { stages } = before.pipeline;
    // A retry that failed is repeated with the stage that it was to recompute from.
    const request = from === undefined ? before : { ...before, anew: { from: stageIndex(from, stages), since: new Date().toISOString() } };
    const { start } = await pipelineStart(client, request, taskQueue);
    const { firstExecutionRunId: runId } = await client.workflow
      .start(pipelineWorkflow, { ...start, workflowId, workflowIdConflictPolicy: 'FAIL', workflowIdReusePolicy: 'ALLOW_DUPLICATE' })
      .catch((error: unknown) => {
        throw error instanceof WorkflowExecutionAlreadyStartedError ? running(error) : error;
      });
    if (options.json) printJson({ workflowId, runId, status: 'running', taskQueue, from: from ?? null });
    else {
      const what = request.anew === undefined ? 'Started again:' : `Started again, recomputing from stage ${request.anew.from + 1} (${stages[request.anew.from].type}):`;
      process.stdout.write(`${what}\n  WorkflowId  ${workflowId}\n  RunId       ${runId}\n  TaskQueue   ${taskQueue}\n`);
    }
    if (!(await isServed(client, options.state, taskQueue))) {
      process.stderr.write(`No worker serves its task queue ${taskQueue}: it waits for one (${commandText(['worker', '--task-queue', taskQueue])}).\n`);
    }
    return exitCode.done;
  });
}

/** What a run was started with: the first event of its history says so. */
async function requestOf(client: Client, { workflowId, runId }: WorkflowExecutionDescription): Promise<PipelineRequest> {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({ namespace, execution: { workflowId, runId }, maximumPageSize: 1 });
  const input = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input;
  const [request] = await decodeArrayFromPayloads(loadedDataConverter, input?.payloads);
  return request as PipelineRequest;
}

/**
 * Index of the stage that a name (its first, if there are several) or a number (1 is the first) means.
 * @throws CommandLineError
 */
export function stageIndex(word: string, stages: readonly Pick<Stage, 'type'>[]): number {
  const index = /^\d+$/.test(word) ? Number(word) - 1 : stages.findIndex(({ type }) => type === word);
  if (stages[index] !== undefined) return index;
  const there = stages.map(({ type }, position) => `${position + 1} ${type}`).join(', ');
  throw new CommandLineError({ what: `the pipeline has no stage ${word}`, where: '--from', expected: `a name or number of its stages: ${there}` });
}
