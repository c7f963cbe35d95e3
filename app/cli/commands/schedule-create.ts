import path from 'node:path';
import { ScheduleAlreadyRunning } from '@temporalio/client';
import type { PipelineRequest } from '../../../workflows/protocol.js';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { commandText, stateWords, workerCommand } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { loadPipelineFile } from '../load-pipeline.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import type { ScheduleNote } from '../schedule/find.js';
import { parseTiming, type Timing, type TimingOptions } from '../schedule/timing.js';
import { registerHint } from '../search-attributes.js';
import { openSession, usesLocalServer } from '../session.js';
import { printJson } from '../output.js';
import { pipelineStart, requestFor } from '../start-pipeline.js';
import { defaultTaskQueue } from '../state.js';
import { timeText } from '../text-table.js';

export interface ScheduleCreateOptions extends TimingOptions {
  id?: string;
  paused: boolean;
}

/** The workflow id of a run, and so its output folder, begins with the schedule's id. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * `schedule create FILE (--cron | --every)`: runs the pipeline at set times, with the content that the file has now.
 * @returns the exit code
 */
export async function scheduleCreateCommand(file: string, own: ScheduleCreateOptions, options: GlobalOptions): Promise<number> {
  const timing = parseTiming(own);
  const parsed = loadPipelineFile(file, options);
  const { id = parsed.pipeline.name, paused } = own;
  if (!idPattern.test(id)) {
    throw new CommandLineError({ what: `--id ${id} is not a valid name`, expected: 'letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 100 characters' });
  }
  const session = await openSession(options.state);
  try {
    const { client } = session;
    const { start, findable } = await pipelineStart(client, requestFor(parsed), options.taskQueue);
    const note: ScheduleNote = { pipeline: parsed.pipeline.name, configDigest: parsed.digest, file: path.resolve(file), times: timing.times };
    const handle = await refused(id, options.state, timing, () =>
      client.schedule.create<(request: PipelineRequest) => Promise<unknown>>({
        scheduleId: id,
        spec: timing.spec,
        policies: timing.policies,
        // The server adds the time of each firing to the workflow id.
        action: { type: 'startWorkflow', workflowType: pipelineWorkflow, workflowId: id, ...start },
        memo: { ...note },
        state: { paused },
      }),
    );
    const { info } = await handle.describe();
    if (info.nextActionTimes.length === 0) {
      await handle.delete();
      throw new CommandLineError({ what: `"${timing.times}" never occurs`, remedy: 'Fix --cron: for example, no February has 30 days' });
    }
    if (options.json) {
      printJson({ scheduleId: id, ...note, taskQueue: options.taskQueue, paused, next: info.nextActionTimes });
    } else {
      const next = info.nextActionTimes.slice(0, 3).map(timeText).join(', ');
      const words = [`Schedule ${id}: ${note.pipeline}, ${note.times}${paused ? ' (paused)' : ''}`, `  next (UTC)  ${next}`];
      process.stdout.write(`${words.join('\n')}\n`);
    }
    process.stderr.write('The schedule keeps the pipeline as it is now. After you change the file, delete the schedule and create it again.\n');
    if (usesLocalServer()) {
      const queue = options.taskQueue === defaultTaskQueue(options.state) ? [] : ['--task-queue', options.taskQueue];
      process.stderr.write(
        `This state's local server starts runs only while it is up itself: keep ${commandText(['worker', ...queue, ...stateWords(options.state)])} running, which starts server and worker. ` +
          `Runs that it misses start when it is up again, if they are at most ${own.catchUp ?? 'a year'} late.\n`,
      );
    } else if (!(await isServed(client, options.state, options.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${options.taskQueue} yet: its runs wait for one (${workerCommand(options.taskQueue, options.state)}).\n`);
    }
    if (!findable) process.stderr.write(`${registerHint}\n`);
    return exitCode.done;
  } finally {
    await session.close();
  }
}

/** Turns errors of the command line into CommandLineErrors. The client throws a TypeError for times that the server does not understand. */
async function refused<T>(id: string, state: string, { times }: Timing, create: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) {
      const remedy = `Choose another --id, or delete it: ${commandText(['schedule', 'delete', id, ...stateWords(state)])}`;
      throw new CommandLineError({ what: `schedule ${id} already exists`, remedy }, { cause: error });
    }
    if (!(error instanceof TypeError)) throw error;
    const remedy = 'Fix --cron or --time-zone, for example --cron "0 3 * * *" --time-zone Europe/Berlin';
    throw new CommandLineError({ what: `the server does not understand "${times}": ${error.message}`, remedy }, { cause: error });
  }
}
