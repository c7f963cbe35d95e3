import { setTimeout as sleep } from 'node:timers/promises';
import { workerCommand } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { withSchedule, type FoundSchedule } from '../schedule/find.js';
import { parseTime } from '../schedule/time.js';
import { overlapName, overlapPolicies, type OverlapName } from '../schedule/timing.js';
import { printJson } from '../output.js';

/** A triggered run starts within a moment, unless the overlap policy holds it back or the machine is very busy. */
const triggerPatienceMs = 20_000;

function say(options: GlobalOptions, json: object, line: string): number {
  if (options.json) printJson(json);
  else process.stdout.write(`${line}\n`);
  return exitCode.done;
}

/**
 * `schedule trigger ID`: starts one run now, besides the set times.
 * @returns the exit code
 */
export async function scheduleTriggerCommand(id: string, { overlap }: { overlap?: OverlapName }, options: GlobalOptions): Promise<number> {
  return await withSchedule(id, options.state, async (found) => {
    // Without a policy the client would allow all overlaps.
    const policy = overlap ?? overlapName(found.description.policies.overlap);
    await found.handle.trigger(overlapPolicies[policy]);
    const { status, workflowId } = await triggerOutcome(found, policy);
    const lines = {
      started: `Started: ${workflowId}`,
      skipped: 'Skipped: the last run has not ended, and the overlap policy does not wait for it (--overlap allow-all starts one anyway).',
      waiting: 'Triggered: the run starts as soon as the overlap policy allows it.',
    };
    if (status === 'started' && !(await isServed(found.client, options.state, found.description.action.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${found.description.action.taskQueue}: the run waits for one (${workerCommand(found.description.action.taskQueue, options.state)}).\n`);
    }
    return say(options, { scheduleId: id, status, workflowId }, lines[status]);
  });
}

async function triggerOutcome({ handle, description: { info: before } }: FoundSchedule, policy: OverlapName): Promise<{ status: 'started' | 'skipped' | 'waiting'; workflowId?: string }> {
  if (policy.startsWith('buffer') && before.runningActions.length > 0) return { status: 'waiting' };
  for (const deadline = Date.now() + triggerPatienceMs; Date.now() < deadline; await sleep(200)) {
    const { info } = await handle.describe();
    if (info.numActionsTaken > before.numActionsTaken) return { status: 'started', workflowId: info.recentActions.at(-1)?.action.workflow.workflowId };
    if (info.numActionsSkippedOverlap > before.numActionsSkippedOverlap) return { status: 'skipped' };
  }
  return { status: 'waiting' };
}

/**
 * `schedule pause ID`: starts no runs until it is resumed; a run in progress continues.
 * @returns the exit code
 */
export async function schedulePauseCommand(id: string, { note }: { note?: string }, options: GlobalOptions): Promise<number> {
  return await withSchedule(id, options.state, async ({ handle }) => {
    await handle.pause(note ?? 'paused with temporal-pipeline');
    return say(options, { scheduleId: id, paused: true }, `Paused: ${id}`);
  });
}

/**
 * `schedule resume ID`: lets it start runs at its times again.
 * @returns the exit code
 */
export async function scheduleResumeCommand(id: string, { note }: { note?: string }, options: GlobalOptions): Promise<number> {
  return await withSchedule(id, options.state, async ({ handle }) => {
    await handle.unpause(note ?? 'resumed with temporal-pipeline');
    return say(options, { scheduleId: id, paused: false }, `Resumed: ${id}`);
  });
}

export interface BackfillOptions {
  from: string;
  to: string;
  overlap: OverlapName;
}

/**
 * `schedule backfill ID --from TIME --to TIME`: starts the runs that would have been due in that time.
 * @returns the exit code
 */
export async function scheduleBackfillCommand(id: string, { from, to, overlap }: BackfillOptions, options: GlobalOptions): Promise<number> {
  const [start, end] = [parseTime(from, '--from'), parseTime(to, '--to')];
  if (end.getTime() > Date.now()) throw new CommandLineError({ what: `--to ${to} is in the future`, remedy: 'Give a time in the past; future runs start by themselves' });
  if (start >= end) throw new CommandLineError({ what: `--from ${from} is not before --to ${to}`, remedy: 'Swap them, or fix one' });
  return await withSchedule(id, options.state, async ({ handle }) => {
    await handle.backfill({ start, end, overlap: overlapPolicies[overlap] });
    const json = { scheduleId: id, from: start, to: end, overlap };
    return say(options, json, `Requested the runs from ${start.toISOString()} to ${end.toISOString()} (${overlap}). See \`npx temporal-pipeline schedule describe ${id}\`.`);
  });
}

/**
 * `schedule delete ID`: removes the schedule; its runs and their outputs stay.
 * @returns the exit code
 */
export async function scheduleDeleteCommand(id: string, options: GlobalOptions): Promise<number> {
  return await withSchedule(id, options.state, async ({ handle }) => {
    await handle.delete();
    return say(options, { scheduleId: id, deleted: true }, `Deleted: ${id}. Its runs and their outputs stay.`);
  });
}
