import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { pipelineWorkflow } from '../../workflows/protocol.js';
import { connectionFromEnvironment } from '../connection.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { openSession } from '../session.js';
import { printJson } from '../show-outcome.js';
import { statePaths } from '../state.js';

interface Listed {
  workflowId: string;
  runId: string;
  status: string;
  started: string;
  name: string;
  taskQueue: string;
}

/**
 * `list`: the pipelines that the server knows, the newest first.
 * @returns the exit code
 */
export async function listCommand(options: GlobalOptions): Promise<number> {
  // A server is not brought up, nor a state folder made, only to find that there is nothing.
  const isNew = connectionFromEnvironment() === undefined && !existsSync(statePaths.serverDatabase(options.state));
  const pipelines = isNew ? [] : await listPipelines(options.state);
  if (options.json) printJson({ pipelines });
  else process.stdout.write(pipelines.length === 0 ? `No pipeline has run yet (state ${options.state}).\n` : `${table(pipelines)}\n`);
  return exitCode.done;
}

async function listPipelines(state: string): Promise<Listed[]> {
  const session = await openSession(state);
  try {
    const pipelines: Listed[] = [];
    for await (const execution of executions(session.client)) {
      const { workflowId, runId, status, startTime, taskQueue, memo } = execution;
      const name = memo?.['pipeline'];
      pipelines.push({
        workflowId,
        runId,
        status: statusWord(status.name),
        started: startTime.toISOString(),
        name: typeof name === 'string' ? name : workflowId.replace(/-[0-9a-f]{16}$/, ''),
        taskQueue,
      });
    }
    return pipelines.sort((a, b) => (a.started < b.started ? 1 : -1));
  } finally {
    await session.close();
  }
}

/** Cancelling a pipeline that no worker serves ends it by termination. */
function statusWord(name: string): string {
  return name === 'TERMINATED' ? 'cancelled' : name.toLowerCase().replaceAll('_', ' ');
}

function executions(client: Client): ReturnType<Client['workflow']['list']> {
  return client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}'` });
}

function table(pipelines: readonly Listed[]): string {
  const rows = [['STARTED', 'STATUS', 'NAME', 'WORKFLOW ID'], ...pipelines.map(({ started, status, name, workflowId }) => [started.slice(0, 19).replace('T', ' '), status, name, workflowId])];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}
