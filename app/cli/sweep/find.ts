import { existsSync, statSync } from 'node:fs';
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { sweepRequestQuery, sweepTableQuery, sweepWorkflow, type SweepRequest, type SweepTable } from '../../../workflows/sweep-protocol.js';
import { UnknownWorkflowError } from '../errors.js';
import type { GlobalOptions } from '../options.js';
import type { RunGroup } from './kind.js';

const queryTimeoutMs = 20_000;

/**
 * Finds the latest execution of the sweep or search that a command line names: by workflow id, by file, or the one started last.
 * @throws UnknownWorkflowError, PipelineFileError
 */
export async function findFamily(client: Client, kind: RunGroup, word: string | undefined, options: GlobalOptions): Promise<WorkflowExecutionDescription> {
  const isFile = word !== undefined && (/\.ya?ml$/i.test(word) || (existsSync(word) && statSync(word).isFile()));
  const id = word === undefined ? await latestId(client, kind) : isFile ? kind.idOf(word, options) : word;
  const found = await describeSweep(client, id, kind.workflow);
  if (found === undefined) throw new UnknownWorkflowError({ what: `no ${kind.noun} with workflow id ${id} is known to the server`, remedy: `See \`npx temporal-pipeline ${kind.noun} list\`` });
  return found;
}

/** Returns the latest execution of a sweep, or of a workflow of another type, if there is one. */
export async function describeSweep(client: Client, workflowId: string, type = sweepWorkflow): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    return found.type === type ? found : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function latestId(client: Client, { workflow, noun }: RunGroup): Promise<string> {
  let latest: { id: string; started: number } | undefined;
  for await (const { workflowId, startTime } of client.workflow.list({ query: `WorkflowType = '${workflow}'` })) {
    if (latest === undefined || startTime.getTime() > latest.started) latest = { id: workflowId, started: startTime.getTime() };
  }
  if (latest === undefined) throw new UnknownWorkflowError({ what: `no ${noun} has run on this server`, remedy: `Start one with \`npx temporal-pipeline ${noun} run FILE\`` });
  return latest.id;
}

/** Returns the current or final table of a sweep. A worker must answer. Throws what the client throws. */
export async function queryTable(client: Client, workflowId: string, timeoutMs = queryTimeoutMs): Promise<SweepTable> {
  return await client.connection.withDeadline(Date.now() + timeoutMs, () => client.workflow.getHandle(workflowId).query<SweepTable>(sweepTableQuery));
}

/**
 * Returns the request that would continue a sweep: its members, and the outcomes of those that ended. A worker must answer. Throws what the
 * client throws.
 */
export async function queryRequest(client: Client, workflowId: string): Promise<SweepRequest> {
  return await client.connection.withDeadline(Date.now() + queryTimeoutMs, () => client.workflow.getHandle(workflowId).query<SweepRequest>(sweepRequestQuery));
}
