import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { CommandLineError, Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkHasServer } from '../find-run.js';
import { catchInterrupts } from '../interrupts.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { hasServer, openSession } from '../session.js';
import { followToEnd } from '../sweep/follow.js';
import { findFamily } from '../sweep/find.js';
import type { RunGroup, RunGroupKind } from '../sweep/kind.js';
import { listFamilies, type ListedFamily } from '../sweep/list.js';
import { textTable, timeText } from '../text-table.js';

const timeoutMs = 30_000;

/** Calls `act` with the sweep or search that the command line names. */
export async function withFamily(kind: RunGroup, which: string | undefined, options: GlobalOptions, act: (client: Client, execution: WorkflowExecutionDescription) => Promise<number>): Promise<number> {
  checkHasServer(options.state);
  const session = await openSession(options.state);
  try {
    return await act(session.client, await findFamily(session.client, kind, which, options));
  } finally {
    await session.close();
  }
}

/** `sweep list`, `search list`: lists those that the server knows, newest first. @returns the exit code */
export async function listFamiliesCommand(kind: RunGroup, options: GlobalOptions): Promise<number> {
  const { noun, plural, count } = kind;
  const found: ListedFamily[] = [];
  if (hasServer(options.state)) {
    const session = await openSession(options.state);
    try {
      found.push(...(await listFamilies(session.client, kind)));
    } finally {
      await session.close();
    }
  }
  if (options.json) printJson({ [plural]: found.map(({ runs, ...rest }) => ({ ...rest, [count]: runs })) });
  else if (found.length === 0) process.stdout.write(`No ${noun} has run yet (state ${options.state}).\n`);
  else {
    const rows = found.map(({ started, status, name, runs, workflowId }) => [timeText(started), status, name, String(runs), workflowId]);
    process.stdout.write(`${textTable([['STARTED', 'STATUS', 'NAME', count.toUpperCase(), 'WORKFLOW ID'], ...rows])}\n`);
  }
  return exitCode.done;
}

/** `sweep watch [which]`, `search watch [which]`: shows all members until the end. Starts and stops nothing. @returns the exit code */
export async function watchFamilyCommand<Result>(kind: RunGroupKind<Result>, which: string | undefined, options: GlobalOptions): Promise<number> {
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  try {
    return await withFamily(kind, which, options, (client, { workflowId }) => followToEnd(client, kind, workflowId, { options, signal }));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`Stopped watching; the ${kind.noun} continues.\n`);
    if (options.json) printJson({ status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
  }
}

/** `sweep cancel [which]`, `search cancel [which]`: stops it and its members. Their finished work is kept. @returns the exit code */
export async function cancelFamilyCommand(kind: RunGroup, which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withFamily(kind, which, options, async (client, { workflowId, status, taskQueue }) => {
    if (status.name !== 'RUNNING') throw new CommandLineError({ what: `${kind.noun} ${workflowId} is not running: ${status.name.toLowerCase()}`, remedy: 'There is nothing to cancel' });
    const handle = client.workflow.getHandle(workflowId);
    // Only a worker can carry out a cancellation. If there is none, the server ends the sweep and asks its members to end.
    if (await isServed(client, options.state, taskQueue)) await handle.cancel();
    else await handle.terminate('cancelled while no worker served it');
    let ended = false;
    for (const deadline = Date.now() + timeoutMs; !ended && Date.now() < deadline; await sleep(250)) ended = (await handle.describe()).status.name !== 'RUNNING';
    if (options.json) printJson({ workflowId, status: ended ? 'cancelled' : 'cancelling' });
    else {
      process.stdout.write(`${ended ? 'Cancelled' : 'Cancellation requested; the worker will end it'}: ${workflowId}\n`);
      process.stdout.write(`Finished members are kept. To continue: ${kind.goOn(workflowId, options)}\n`);
    }
    return exitCode.done;
  });
}
