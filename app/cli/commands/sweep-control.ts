import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { loadSweep } from '../../config/index.js';
import { sweepCsv } from '../../report/index.js';
import { sweepWorkflow } from '../../../workflows/sweep-protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { CommandLineError, Interrupted, SweepStateError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkHasServer } from '../find-run.js';
import { catchInterrupts } from '../interrupts.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { openView } from '../progress/display.js';
import { hasServer, joinSession, openSession } from '../session.js';
import { printJson } from '../output.js';
import { awaitSweep, followSweep, showSweep, tableText } from '../sweep/attend.js';
import { describeSweep, findSweep, queryTable } from '../sweep/find.js';
import { sweepIdOf, sweepRequestFor } from '../sweep/request.js';
import { startSweep } from '../sweep/start.js';
import { sweepView } from '../sweep/view.js';
import { textTable, timeText } from '../text-table.js';

const patienceMs = 30_000;

/** `sweep start FILE`: starts a sweep on running workers, prints its id and returns. @returns the exit code */
export async function sweepStartCommand(file: string, options: GlobalOptions): Promise<number> {
  const request = sweepRequestFor(loadSweep(file, options.set, { allowFloating: options.allowFloating }));
  const workflowId = sweepIdOf(request);
  const session = await joinSession(options.state);
  try {
    const before = await describeSweep(session.client, workflowId);
    if (before !== undefined && before.status.name !== 'RUNNING') {
      throw new CommandLineError({
        what: `sweep ${workflowId} has ended already: ${before.status.name.toLowerCase()}`,
        remedy: `Run what is left of it with ${commandText(['sweep', 'resume', workflowId, ...stateWords(options.state)])}`,
      });
    }
    const { attached } = await startSweep(session.client, workflowId, request, options.taskQueue);
    const members = request.members.map(({ name }) => name);
    if (options.json) printJson({ workflowId, status: 'running', attached, taskQueue: options.taskQueue, members });
    else process.stdout.write(`${attached ? 'Running already' : 'Started'}:\n  WorkflowId  ${workflowId}\n  TaskQueue   ${options.taskQueue}\n  Members     ${members.length}\n`);
    if (!(await isServed(session.client, options.state, options.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${options.taskQueue} yet: the sweep waits for one (\`npx temporal-pipeline worker\`).\n`);
    }
    return exitCode.done;
  } finally {
    await session.close();
  }
}

async function withSweep(which: string | undefined, options: GlobalOptions, act: (client: Client, execution: WorkflowExecutionDescription) => Promise<number>): Promise<number> {
  checkHasServer(options.state);
  const session = await openSession(options.state);
  try {
    return await act(session.client, await findSweep(session.client, which, options));
  } finally {
    await session.close();
  }
}

/** `sweep list`: the sweeps that the server knows, the newest first. @returns the exit code */
export async function sweepListCommand(options: GlobalOptions): Promise<number> {
  const sweeps: { workflowId: string; status: string; started: string; name: string; members: number }[] = [];
  if (hasServer(options.state)) {
    const session = await openSession(options.state);
    try {
      // A sweep that continued as new has several executions; the newest counts.
      for await (const { workflowId, status, startTime, memo } of session.client.workflow.list({ query: `WorkflowType = '${sweepWorkflow}' AND ExecutionStatus != 'ContinuedAsNew'` })) {
        const { sweep = workflowId, members = 0 } = (memo ?? {}) as { sweep?: string; members?: number };
        const word = status.name === 'TERMINATED' ? 'cancelled' : status.name.toLowerCase();
        sweeps.push({ workflowId, status: word, started: startTime.toISOString(), name: sweep, members });
      }
    } finally {
      await session.close();
    }
  }
  sweeps.sort((a, b) => (a.started < b.started ? 1 : -1));
  if (options.json) printJson({ sweeps });
  else if (sweeps.length === 0) process.stdout.write(`No sweep has run yet (state ${options.state}).\n`);
  else {
    const rows = sweeps.map(({ started, status, name, members, workflowId }) => [timeText(started), status, name, String(members), workflowId]);
    process.stdout.write(`${textTable([['STARTED', 'STATUS', 'NAME', 'MEMBERS', 'WORKFLOW ID'], ...rows])}\n`);
  }
  return exitCode.done;
}

/** `sweep watch [which]`: shows all members of a sweep until it ends. Starts and stops nothing of it. @returns the exit code */
export async function sweepWatchCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  try {
    return await withSweep(which, options, async (client, { workflowId }) => {
      const display = openView(sweepView, process.stderr);
      const stop = new AbortController();
      const following = followSweep(client, workflowId, display, AbortSignal.any([signal, stop.signal]));
      try {
        const outcome = await awaitSweep(client, workflowId, signal);
        display.end();
        return showSweep(workflowId, outcome, options);
      } finally {
        stop.abort();
        await following;
      }
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write('Stopped watching; the sweep goes on.\n');
    if (options.json) printJson({ status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
  }
}

/** `sweep report [which]`: prints the table as it is now, Markdown or with `--json` JSON. @returns the exit code */
export async function sweepReportCommand(which: string | undefined, { csv }: { csv: boolean }, options: GlobalOptions): Promise<number> {
  return await withSweep(which, options, async (client, { workflowId, status }) => {
    const handle = client.workflow.getHandle(workflowId);
    const table = status.name === 'COMPLETED' ? ((await handle.result()) as Awaited<ReturnType<typeof queryTable>>) : await queryTable(client, workflowId).catch((cause: unknown) => {
      throw new SweepStateError(workflowId, cause);
    });
    if (options.json) printJson({ workflowId, ...table });
    else process.stdout.write(csv ? sweepCsv(table) : `${tableText(table)}\n`);
    return exitCode.done;
  });
}

/** `sweep cancel [which]`: stops a sweep and its members. What they have finished is kept. @returns the exit code */
export async function sweepCancelCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withSweep(which, options, async (client, { workflowId, status, taskQueue }) => {
    if (status.name !== 'RUNNING') throw new CommandLineError({ what: `sweep ${workflowId} is not running: ${status.name.toLowerCase()}`, remedy: 'There is nothing to cancel' });
    const handle = client.workflow.getHandle(workflowId);
    // Only a worker can carry out a cancellation; where there is none, the server ends the sweep and asks its members to end.
    if (await isServed(client, options.state, taskQueue)) await handle.cancel();
    else await handle.terminate('cancelled while no worker served it');
    let ended = false;
    for (const giveUp = Date.now() + patienceMs; !ended && Date.now() < giveUp; await sleep(250)) ended = (await handle.describe()).status.name !== 'RUNNING';
    if (options.json) printJson({ workflowId, status: ended ? 'cancelled' : 'cancelling' });
    else {
      process.stdout.write(`${ended ? 'Cancelled' : 'Cancellation requested; it ends when its worker hears of it'}: ${workflowId}\n`);
      process.stdout.write(`Finished members are kept. To go on: ${commandText(['sweep', 'resume', workflowId, ...stateWords(options.state)])}\n`);
    }
    return exitCode.done;
  });
}

/** `sweep validate FILE`: checks a sweep file and every member's pipeline, and names the members. @returns the exit code */
export function sweepValidateCommand(file: string, options: GlobalOptions): number {
  const request = sweepRequestFor(loadSweep(file, options.set, { allowFloating: options.allowFloating }));
  if (options.json) printJson({ valid: true, name: request.name, members: request.members.map(({ name, values }) => ({ name, values })) });
  else process.stdout.write(`${request.name}: ${request.members.length} members\n${request.members.map(({ name }) => `  ${name}\n`).join('')}`);
  return exitCode.done;
}
