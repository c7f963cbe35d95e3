import { Option, type Command } from 'commander';
import { globalOptions, type GlobalOptions } from '../options.js';
import { overlapPolicies, type OverlapName } from '../schedule/timing.js';
import type { BackfillOptions } from './schedule-control.js';
import type { ScheduleCreateOptions } from './schedule-create.js';

const overlap = (description: string): Option => new Option('--overlap <policy>', description).choices(Object.keys(overlapPolicies));

/** Adds the commands of `schedule`. */
export function addScheduleCommands(schedule: Command, onExit: (code: number) => void): void {
  const options = (command: Command): GlobalOptions => globalOptions(command);
  const add = (name: string, description: string): Command => schedule.command(name).description(description).copyInheritedSettings(schedule);

  add('create <file>', 'run a pipeline at set times. The schedule keeps the pipeline as it is now; later changes of the file have no effect')
    .option('--id <name>', "name of the schedule; the workflow ids of its runs begin with it (default: the pipeline's name)")
    .option('--cron <expression>', 'times as a cron expression, for example "0 3 * * *"')
    .option('--every <duration>', 'time between two runs, for example 6h')
    .option('--time-zone <name>', 'zone of the cron expression, for example Europe/Berlin (default: UTC)')
    .option('--jitter <duration>', 'delay each run by a random time, at most this long')
    .addOption(overlap('what to do when the last run has not ended').default('skip'))
    .option('--catch-up <duration>', 'after the server was down, start runs that were due at most this long ago, following the overlap policy (default: a year)')
    .option('--pause-on-failure', 'pause the schedule when a run fails', false)
    .option('--paused', 'create it paused', false)
    .action(async (file: string, own: ScheduleCreateOptions, command: Command) => {
      onExit(await (await import('./schedule-create.js')).scheduleCreateCommand(file, own, options(command)));
    });
  add('list', 'list the schedules of pipelines').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./schedule-list.js')).scheduleListCommand(options(command)));
  });
  add('describe <id>', 'show times, policies, next and recent runs').action(async (id: string, _: unknown, command: Command) => {
    onExit(await (await import('./schedule-describe.js')).scheduleDescribeCommand(id, options(command)));
  });
  add('trigger <id>', 'run it once now')
    .addOption(overlap("what to do when the last run has not ended (default: the schedule's own policy)"))
    .action(async (id: string, own: { overlap?: OverlapName }, command: Command) => {
      onExit(await (await import('./schedule-control.js')).scheduleTriggerCommand(id, own, options(command)));
    });
  add('pause <id>', 'start no more runs; a run in progress continues')
    .option('--note <text>', 'the reason; `describe` shows it')
    .action(async (id: string, own: { note?: string }, command: Command) => {
      onExit(await (await import('./schedule-control.js')).schedulePauseCommand(id, own, options(command)));
    });
  add('resume <id>', 'start runs again')
    .option('--note <text>', 'the reason; `describe` shows it')
    .action(async (id: string, own: { note?: string }, command: Command) => {
      onExit(await (await import('./schedule-control.js')).scheduleResumeCommand(id, own, options(command)));
    });
  add('backfill <id>', 'start the runs of a past time span')
    .requiredOption('--from <time>', 'ISO 8601, for example 2026-01-31T03:00:00Z')
    .requiredOption('--to <time>', 'the end, like --from')
    .addOption(overlap('what to do when these runs overlap').default('buffer-all'))
    .action(async (id: string, own: BackfillOptions, command: Command) => {
      onExit(await (await import('./schedule-control.js')).scheduleBackfillCommand(id, own, options(command)));
    });
  add('delete <id>', 'delete the schedule; its runs and their outputs stay').action(async (id: string, _: unknown, command: Command) => {
    onExit(await (await import('./schedule-control.js')).scheduleDeleteCommand(id, options(command)));
  });
}
