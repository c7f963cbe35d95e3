import type { ScheduleSummary } from '@temporalio/client';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { noteOf } from '../schedule/find.js';
import { hasServer, openSession } from '../session.js';
import { printJson } from '../output.js';
import { textTable, timeText } from '../text-table.js';

/**
 * `schedule list`: lists the schedules of pipelines on the server.
 * @returns the exit code
 */
export async function scheduleListCommand(options: GlobalOptions): Promise<number> {
  const schedules = hasServer(options.state) ? await findSchedules(options.state) : [];
  if (options.json) {
    printJson({ schedules: schedules.map((summary) => ({ scheduleId: summary.scheduleId, ...noteOf(summary), paused: summary.state.paused, next: summary.info.nextActionTimes })) });
  } else if (schedules.length === 0) {
    process.stdout.write('There are no schedules. Create one with `npx temporal-pipeline schedule create FILE --every 6h`.\n');
  } else {
    const rows = schedules.map((summary) => {
      const { pipeline, times } = noteOf(summary);
      const { paused } = summary.state;
      const next = summary.info.nextActionTimes[0];
      return [summary.scheduleId, paused ? 'paused' : 'active', pipeline, times, paused ? 'none while paused' : next === undefined ? 'never' : timeText(next)];
    });
    process.stdout.write(`${textTable([['ID', 'STATE', 'PIPELINE', 'TIMES', 'NEXT (UTC)'], ...rows])}\n`);
  }
  return exitCode.done;
}

async function findSchedules(state: string): Promise<ScheduleSummary[]> {
  const session = await openSession(state);
  try {
    const schedules: ScheduleSummary[] = [];
    for await (const summary of session.client.schedule.list()) {
      if (summary.action?.workflowType === pipelineWorkflow) schedules.push(summary);
    }
    return schedules.sort((a, b) => a.scheduleId.localeCompare(b.scheduleId));
  } finally {
    await session.close();
  }
}
