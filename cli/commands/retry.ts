import { randomUUID } from 'node:crypto';
import type { Stage } from '../../config/pipeline.js';
import { commandText } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { openSession } from '../session.js';
import { printJson } from '../show-outcome.js';

/** The activities that a stage can begin with. */
const beginnings: Readonly<Record<Stage['type'], readonly string[]>> = {
  calibration: ['sampleCalibration'],
  initialMask: ['findScores', 'makeInitialMask'],
  rebuild: ['rebuildLayer'],
  evaluation: ['sampleEvaluation'],
};

export interface RetryOptions {
  from?: Stage['type'];
}

/** Signals, updates and cancellations of the run that ended must not meet the new one (numbers on the wire). */
const leftBehind = [1, 2, 4];

/** An activity of a run's history. */
export interface ScheduledActivity<EventId> {
  type: string;
  /** The workflow task that asked for it. */
  task: EventId;
}

/**
 * Where a run is to be taken up again: at the first activity of a stage, or without one at the last activity that it began.
 * Undefined if there is none.
 */
export function retryPoint<EventId>(activities: readonly ScheduledActivity<EventId>[], from: Stage['type'] | undefined): EventId | undefined {
  return (from === undefined ? activities.at(-1) : activities.find(({ type }) => beginnings[from].includes(type)))?.task;
}

/**
 * `retry [workflowId|FILE] [--from STAGE]`: takes an ended run up again by Temporal's reset, with what it had decided (engine,
 * threads, digests of its files). Finished work that is still in the store is found, not repeated.
 * @returns the exit code
 */
export async function retryCommand(which: string | undefined, { from }: RetryOptions, options: GlobalOptions): Promise<number> {
  const session = await openSession(options.state);
  try {
    const { client } = session;
    const { workflowId, runId, taskQueue, status } = await findRun(client, which, options);
    if (status.name === 'RUNNING') {
      throw new CommandLineError({ what: `pipeline ${workflowId} is running`, remedy: `Cancel it first: ${commandText(['cancel', workflowId])}` });
    }
    if (status.name === 'COMPLETED' && from === undefined) {
      throw new CommandLineError({ what: `pipeline ${workflowId} is complete: nothing of it failed`, remedy: 'Say with --from from which stage on it is to be run again' });
    }
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const activities = (history.events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
      return scheduled?.workflowTaskCompletedEventId ? [{ type: scheduled.activityType?.name ?? '', task: scheduled.workflowTaskCompletedEventId }] : [];
    });
    const point = retryPoint(activities, from);
    if (point === undefined) {
      throw new CommandLineError({
        what: `pipeline ${workflowId} ended before ${from === undefined ? 'anything of it began' : `a stage ${from} began`}`,
        remedy: from === undefined ? 'Run or start its file again' : 'Leave --from out to go on where it ended',
      });
    }
    const reset = await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      reason: `temporal-pipeline retry${from === undefined ? '' : ` --from ${from}`}`,
      workflowTaskFinishEventId: point,
      requestId: randomUUID(),
      resetReapplyExcludeTypes: leftBehind,
    });
    if (options.json) printJson({ workflowId, runId: reset.runId, status: 'running', from: from ?? null });
    else process.stdout.write(`Taken up again ${from === undefined ? 'where it ended' : `from ${from}`}:\n  WorkflowId  ${workflowId}\n  RunId       ${reset.runId}\n`);
    if (!(await isServed(client, options.state, taskQueue))) {
      process.stderr.write(`No worker serves its task queue ${taskQueue}: it waits for one (${commandText(['worker', '--task-queue', taskQueue])}).\n`);
    }
    return exitCode.done;
  } finally {
    await session.close();
  }
}
