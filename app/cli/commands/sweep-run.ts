import type { Client } from '@temporalio/client';
import { loadSweep } from '../../config/index.js';
import { addMembersSignal, type SweepRequest } from '../../../workflows/sweep-protocol.js';
import { throughOutages } from '../client.js';
import { thisCommand } from '../command-text.js';
import { Interrupted, SweepStateError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkHasServer } from '../find-run.js';
import { checkStore } from '../store/check.js';
import { catchInterrupts, unlessAborted } from '../interrupts.js';
import type { Say } from '../local/keep-server.js';
import { WorkerKeeper } from '../local/keep-worker.js';
import { closeLog, openLog } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { openView } from '../progress/display.js';
import { openSession } from '../session.js';
import { printJson } from '../output.js';
import { awaitSweep, followSweep, showSweep } from '../sweep/attend.js';
import { describeSweep, findSweep, queryRequest } from '../sweep/find.js';
import { addedMembers, sweepIdOf, sweepRequestFor } from '../sweep/request.js';
import { resumed, startSweep } from '../sweep/start.js';
import { sweepView } from '../sweep/view.js';

/** What a command in the foreground works with while server and worker are there. */
interface Foreground {
  client: Client;
  options: GlobalOptions;
  say: Say;
  signal: AbortSignal;
}

/**
 * `sweep run FILE`: server, worker, sweep, progress and result in one, on this machine. A sweep that ended before goes on with the members that
 * are not done.
 * @returns the exit code
 */
export async function sweepRunCommand(file: string, options: GlobalOptions): Promise<number> {
  const request = sweepRequestFor(loadSweep(file, options.set, { allowFloating: options.allowFloating }));
  return await inForeground(options, async (foreground) => {
    const workflowId = sweepIdOf(request);
    const before = await describeSweep(foreground.client, workflowId);
    const ended = before !== undefined && before.status.name !== 'RUNNING';
    return await begin(foreground, workflowId, ended ? resumed(await stateOf(foreground, workflowId)) : request);
  });
}

/** `sweep resume [which]`: goes on with a sweep that was cancelled, or whose members failed; what is done is not run again. @returns the exit code */
export async function sweepResumeCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  checkHasServer(options.state);
  return await inForeground(options, async (foreground) => {
    const { workflowId } = await findSweep(foreground.client, which, options);
    return await begin(foreground, workflowId, resumed(await stateOf(foreground, workflowId)));
  });
}

/**
 * `sweep add-values WHICH path=value...`: more values of the matrix, and so more members. A sweep that runs gets them and goes on;
 * one that has ended is taken up again for them.
 * @returns the exit code
 */
export async function sweepAddValuesCommand(which: string, words: readonly string[], options: GlobalOptions): Promise<number> {
  checkHasServer(options.state);
  return await inForeground(options, async (foreground) => {
    const { client, say } = foreground;
    const { workflowId, status } = await findSweep(client, which, options);
    const request = await stateOf(foreground, workflowId);
    const added = addedMembers(request, words);
    say(`${added.members.length} more members: ${added.members.slice(0, 10).map(({ name }) => name).join(', ')}${added.members.length > 10 ? ', ...' : ''}`);
    if (status.name !== 'RUNNING') {
      return await begin(foreground, workflowId, { ...resumed(request), members: [...request.members, ...added.members], choice: added.choice });
    }
    await client.workflow.getHandle(workflowId).signal(addMembersSignal, added);
    if (options.json) printJson({ workflowId, status: 'running', added: added.members.map(({ name }) => name) });
    return exitCode.done;
  });
}

/** Members and outcomes so far. @throws SweepStateError if no worker tells */
async function stateOf({ client, signal }: Foreground, workflowId: string): Promise<SweepRequest> {
  try {
    return await unlessAborted(throughOutages(() => queryRequest(client, workflowId), signal), signal);
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    throw new SweepStateError(workflowId, cause);
  }
}

/** Starts the sweep or attaches to it, shows its members until it ends, and prints the result. */
async function begin({ client, options, say, signal }: Foreground, workflowId: string, request: SweepRequest): Promise<number> {
  const { attached } = await unlessAborted(throughOutages(() => startSweep(client, workflowId, request, options.taskQueue), signal), signal);
  const left = request.members.length - Object.keys(request.outcomes).length;
  say(`Sweep ${workflowId} ${attached ? 'was running already; attached to it' : `started: ${left} of ${request.members.length} members to run`}.`);
  const display = openView(sweepView, process.stderr);
  const stop = new AbortController();
  const following = followSweep(client, workflowId, display, AbortSignal.any([signal, stop.signal]));
  try {
    const outcome = await awaitSweep(client, workflowId, signal);
    if (outcome.status === 'completed') display.update({ table: outcome.result, running: {} });
    display.end();
    return showSweep(workflowId, outcome, options);
  } finally {
    stop.abort();
    await following;
  }
}

/** Brings up a server and a worker where there are none, and keeps them up while `act` runs. */
async function inForeground(options: GlobalOptions, act: (foreground: Foreground) => Promise<number>): Promise<number> {
  await checkStore(options);
  const log = openLog({ state: options.state, process: 'run', verbose: options.verbose });
  const say: Say = (line) => {
    process.stderr.write(`${line}\n`);
    log.info(line);
  };
  let keeper: WorkerKeeper | undefined;
  const interrupts = catchInterrupts(() => keeper?.kill());
  const { signal } = interrupts;
  const stop = new AbortController();
  let keeping = Promise.resolve();
  try {
    const session = await openSession(options.state, { signal, say });
    try {
      say(session.description);
      keeper = new WorkerKeeper(session.client, options, say);
      keeping = keeper.keep(AbortSignal.any([signal, stop.signal]));
      return await act({ client: session.client, options, say, signal });
    } finally {
      stop.abort();
      await keeping;
      await keeper?.stop();
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`Interrupted. To go on where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}

