import { existsSync, statSync } from 'node:fs';
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { pipelineWorkflow } from '../../workflows/protocol.js';
import { UnknownWorkflowError } from './errors.js';
import { loadPipelineFile } from './load-pipeline.js';
import type { GlobalOptions } from './options.js';
import { runStart } from './run-start.js';
import { hasServer, openSession } from './session.js';
import { workflowIdOf } from './start-pipeline.js';

/** Whether a word on the command line names a pipeline file, as opposed to a workflow id. */
const isFile = (word: string): boolean => /\.ya?ml$/i.test(word) || (existsSync(word) && statSync(word).isFile());

/** Returns the id of the running pipeline. If several run, or none does, it is the one that was started last. */
async function latestId(client: Client): Promise<string> {
  let latest: { id: string; running: boolean; started: number } | undefined;
  for await (const execution of client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}' AND ExecutionStatus != 'ContinuedAsNew'` })) {
    const { workflowId, status } = execution;
    const candidate = { id: workflowId, running: status.name === 'RUNNING', started: runStart(execution).getTime() };
    const isBetter = latest === undefined || (candidate.running === latest.running ? candidate.started > latest.started : candidate.running);
    if (isBetter) latest = candidate;
  }
  if (latest === undefined) {
    throw new UnknownWorkflowError({ what: 'no pipeline has run on this server', remedy: 'Start one with `npx temporal-pipeline run FILE`' });
  }
  return latest.id;
}

/**
 * Finds the execution that a command line names: by workflow id, by pipeline file, or the latest.
 * @throws UnknownWorkflowError, PipelineFileError
 */
export async function findRun(client: Client, word: string | undefined, options: GlobalOptions): Promise<WorkflowExecutionDescription> {
  const isOfFile = word !== undefined && isFile(word);
  const workflowId = isOfFile ? workflowIdOf(loadPipelineFile(word, options)) : (word ?? (await latestId(client)));
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (cause) {
    if (!(cause instanceof WorkflowNotFoundError)) throw cause;
    throw new UnknownWorkflowError(
      {
        what: isOfFile ? `no run of ${word} with these settings is known to the server (workflow id ${workflowId})` : `no pipeline with workflow id ${workflowId} is known to the server`,
        expected: isOfFile ? 'the file and each --set with which the run was started' : 'a workflow id, or a pipeline file',
        remedy: 'See `npx temporal-pipeline list`, which shows the workflow ids',
      },
      { cause },
    );
  }
}

/**
 * Throws if no pipeline can have run. Does not start a server or create a state folder only to find that out.
 * @throws UnknownWorkflowError
 */
export function checkHasServer(state: string): void {
  if (hasServer(state)) return;
  throw new UnknownWorkflowError({
    what: 'no pipeline has run with this state, and the environment names no Temporal server',
    where: state,
    remedy: 'Give the state folder with --state, or set TEMPORAL_ADDRESS',
  });
}

/**
 * Calls `act` with the execution that a command line names.
 * @throws UnknownWorkflowError, and what `openSession`, `findRun` and `act` throw
 */
export async function withRun(
  word: string | undefined,
  options: GlobalOptions,
  act: (client: Client, execution: WorkflowExecutionDescription) => Promise<number>,
): Promise<number> {
  checkHasServer(options.state);
  const session = await openSession(options.state);
  try {
    return await act(session.client, await findRun(session.client, word, options));
  } finally {
    await session.close();
  }
}
