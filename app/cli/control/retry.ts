import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { Stage } from '../../config/pipeline.js';
import { pipelineWorkflow, type PipelineRequest } from '../../../workflows/protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { pipelineStart } from '../start-pipeline.js';
import { requestOf } from './request-of.js';

/**
 * Runs an ended pipeline again, with the same request on the same task queue.
 * @param from the first stage to recompute, by name or number; without it all finished work is reused
 * @returns the id of the new execution, and its request
 * @throws CommandLineError if the pipeline is running, if it is complete and no stage is named, or if it has no such stage
 */
export async function retryRun(client: Client, state: string, execution: WorkflowExecutionDescription, from?: string): Promise<{ runId: string; request: PipelineRequest }> {
  const { workflowId, taskQueue, status } = execution;
  const running = (cause?: unknown): CommandLineError =>
    new CommandLineError({ what: `pipeline ${workflowId} is running`, remedy: `Cancel it first: ${commandText(['cancel', workflowId, ...stateWords(state)])}` }, { cause });
  if (status.name === 'RUNNING') throw running();
  if (status.name === 'COMPLETED' && from === undefined) {
    throw new CommandLineError({ what: `pipeline ${workflowId} is complete, and no part of it failed`, remedy: 'Name with --from the first stage to recompute' });
  }
  const before = await requestOf(client, execution);
  // If a retry failed, its own retry keeps the stage to recompute from.
  const request = from === undefined ? before : { ...before, anew: { from: stageIndex(from, before.pipeline.stages), since: new Date().toISOString() } };
  const { start } = await pipelineStart(client, request, taskQueue);
  const { firstExecutionRunId: runId } = await client.workflow
    .start(pipelineWorkflow, { ...start, workflowId, workflowIdConflictPolicy: 'FAIL', workflowIdReusePolicy: 'ALLOW_DUPLICATE' })
    .catch((error: unknown) => {
      throw error instanceof WorkflowExecutionAlreadyStartedError ? running(error) : error;
    });
  return { runId, request };
}

/**
 * Index of the stage that a name or a number means. A name means the first stage of that name; 1 is the first stage.
 * @throws CommandLineError
 */
export function stageIndex(word: string, stages: readonly Pick<Stage, 'type'>[]): number {
  const index = /^\d+$/.test(word) ? Number(word) - 1 : stages.findIndex(({ type }) => type === word);
  if (stages[index] !== undefined) return index;
  const there = stages.map(({ type }, position) => `${position + 1} ${type}`).join(', ');
  throw new CommandLineError({ what: `the pipeline has no stage ${word}`, where: '--from', expected: `the name or number of a stage: ${there}` });
}
