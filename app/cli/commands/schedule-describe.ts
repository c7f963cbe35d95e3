import type { ScheduleDescription } from '@temporalio/client';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { durationText } from '../schedule/duration.js';
import { noteOf, withSchedule } from '../schedule/find.js';
import { overlapName } from '../schedule/timing.js';
import { printJson } from '../output.js';
import { textTable, timeText } from '../text-table.js';

/** Returns what `--json` prints about a schedule. */
function scheduleJson(description: ScheduleDescription): object {
  const { scheduleId, policies, state, info, action } = description;
  return {
    scheduleId,
    ...noteOf(description),
    taskQueue: action.taskQueue,
    paused: state.paused,
    note: state.note ?? '',
    overlap: overlapName(policies.overlap),
    catchUpSeconds: policies.catchupWindow / 1000,
    pauseOnFailure: policies.pauseOnFailure,
    next: info.nextActionTimes,
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    recent: info.recentActions.map(({ scheduledAt, action: { workflow } }) => ({ scheduledAt, workflowId: workflow.workflowId })),
    counts: { started: info.numActionsTaken, skipped: info.numActionsSkippedOverlap, missed: info.numActionsMissedCatchupWindow },
  };
}

function scheduleText(description: ScheduleDescription): string {
  const { scheduleId, policies, state, info, action } = description;
  const { pipeline, configDigest, file, times } = noteOf(description);
  const running = new Set(info.runningActions.map(({ workflow }) => workflow.workflowId));
  const recent = info.recentActions.toReversed().map(({ action: { workflow } }) => `${workflow.workflowId}${running.has(workflow.workflowId) ? ' (running)' : ''}`);
  const onFailure = policies.pauseOnFailure ? ', pauses when a run fails' : '';
  const rows: [string, string][] = [
    ['schedule', `${scheduleId}${state.paused ? ' (paused)' : ''}`],
    ...(state.note ? [['note', state.note] satisfies [string, string]] : []),
    ['pipeline', `${pipeline} (digest ${configDigest.slice(0, 16)}, from ${file})`],
    ['task queue', action.taskQueue],
    ['times', times],
    ['overlap', `${overlapName(policies.overlap)}${onFailure}`],
    ['catch up', `within ${durationText(policies.catchupWindow)}`],
    ['next (UTC)', state.paused ? 'none while paused' : info.nextActionTimes.slice(0, 5).map(timeText).join(', ') || 'never'],
    ['runs', `${info.numActionsTaken} started, ${info.numActionsSkippedOverlap} skipped because one was running, ${info.numActionsMissedCatchupWindow} missed`],
    ...recent.map((workflowId, position) => [position === 0 ? 'recent' : '', workflowId] satisfies [string, string]),
  ];
  return textTable(rows);
}

/**
 * `schedule describe ID`: shows times, policies, next and recent runs of a schedule.
 * @returns the exit code
 */
export async function scheduleDescribeCommand(id: string, options: GlobalOptions): Promise<number> {
  return await withSchedule(id, options.state, ({ description }) => {
    if (options.json) printJson(scheduleJson(description));
    else process.stdout.write(`${scheduleText(description)}\n`);
    return Promise.resolve(exitCode.done);
  });
}
