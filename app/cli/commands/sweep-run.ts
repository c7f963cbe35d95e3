import { loadSweep } from '../../config/index.js';
import { addMembersSignal, type SweepRequest } from '../../../workflows/sweep-protocol.js';
import { retryWhileUnavailable } from '../client.js';
import { Interrupted, SweepStateError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkHasServer } from '../find-run.js';
import { inForeground, type Foreground } from '../foreground.js';
import { unlessAborted } from '../interrupts.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { followToEnd } from '../sweep/follow.js';
import { describeSweep, findFamily, queryRequest } from '../sweep/find.js';
import { sweeps } from '../sweep/kind.js';
import { addedMembers, sweepIdOf, sweepRequestFor } from '../sweep/request.js';
import { resumed, startSweep } from '../sweep/start.js';

/**
 * `sweep run FILE`: starts server, worker and sweep on this machine, and shows progress and result. A sweep that has ended continues with
 * the members that are not done.
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

/**
 * `sweep resume [which]`: continues a sweep that was cancelled, or whose members failed. Finished members are not run again. @returns the
 * exit code
 */
export async function sweepResumeCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  checkHasServer(options.state);
  return await inForeground(options, async (foreground) => {
    const { workflowId } = await findFamily(foreground.client, sweeps, which, options);
    return await begin(foreground, workflowId, resumed(await stateOf(foreground, workflowId)));
  });
}

/**
 * `sweep add-values WHICH path=value...`: adds values to the matrix, and so members. A running sweep continues with them; a sweep that has
 * ended is resumed for them.
 * @returns the exit code
 */
export async function sweepAddValuesCommand(which: string, words: readonly string[], options: GlobalOptions): Promise<number> {
  checkHasServer(options.state);
  return await inForeground(options, async (foreground) => {
    const { client, say } = foreground;
    const { workflowId, status } = await findFamily(client, sweeps, which, options);
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

/** Returns the members and outcomes so far. @throws SweepStateError if no worker answers */
async function stateOf({ client, signal }: Foreground, workflowId: string): Promise<SweepRequest> {
  try {
    return await unlessAborted(retryWhileUnavailable(() => queryRequest(client, workflowId), signal), signal);
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    throw new SweepStateError(workflowId, cause);
  }
}

/** Starts the sweep or attaches to it, shows its members until it ends, and prints the result. */
async function begin({ client, options, say, signal }: Foreground, workflowId: string, request: SweepRequest): Promise<number> {
  const { attached } = await unlessAborted(retryWhileUnavailable(() => startSweep(client, workflowId, request, options.taskQueue), signal), signal);
  const left = request.members.length - Object.keys(request.outcomes).length;
  say(`Sweep ${workflowId} ${attached ? 'was already running; attached to it' : `started: ${left} of ${request.members.length} members to run`}.`);
  return await followToEnd(client, sweeps, workflowId, { options, signal });
}
