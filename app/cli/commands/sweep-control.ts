import { loadSweep } from '../../config/index.js';
import { sweepCsv } from '../../report/index.js';
import { commandText, stateWords, workerCommand } from '../command-text.js';
import { CommandLineError, SweepStateError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { joinSession } from '../session.js';
import { printJson } from '../output.js';
import { tableText } from '../sweep/follow.js';
import { describeSweep, queryTable } from '../sweep/find.js';
import { sweeps } from '../sweep/kind.js';
import { sweepIdOf, sweepRequestFor } from '../sweep/request.js';
import { startSweep } from '../sweep/start.js';
import { cancelFamilyCommand, listFamiliesCommand, watchFamilyCommand, withFamily } from './run-group-control.js';

/** `sweep start FILE`: starts a sweep on running workers, prints its id and returns. @returns the exit code */
export async function sweepStartCommand(file: string, options: GlobalOptions): Promise<number> {
  const request = sweepRequestFor(loadSweep(file, options.set, { allowFloating: options.allowFloating }));
  const workflowId = sweepIdOf(request);
  const session = await joinSession(options.state);
  try {
    const before = await describeSweep(session.client, workflowId);
    if (before !== undefined && before.status.name !== 'RUNNING') {
      throw new CommandLineError({
        what: `sweep ${workflowId} has already ended: ${before.status.name.toLowerCase()}`,
        remedy: `Run its other members with ${commandText(['sweep', 'resume', workflowId, ...stateWords(options.state)])}`,
      });
    }
    const { attached } = await startSweep(session.client, workflowId, request, options.taskQueue);
    const members = request.members.map(({ name }) => name);
    if (options.json) printJson({ workflowId, status: 'running', attached, taskQueue: options.taskQueue, members });
    else process.stdout.write(`${attached ? 'Already running' : 'Started'}:\n  WorkflowId  ${workflowId}\n  TaskQueue   ${options.taskQueue}\n  Members     ${members.length}\n`);
    if (!(await isServed(session.client, options.state, options.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${options.taskQueue} yet: the sweep waits for one (${workerCommand(options.taskQueue, options.state)}).\n`);
    }
    return exitCode.done;
  } finally {
    await session.close();
  }
}

/** `sweep report [which]`: prints the current table, as Markdown, or with `--csv` or `--json`. @returns the exit code */
export async function sweepReportCommand(which: string | undefined, { csv }: { csv: boolean }, options: GlobalOptions): Promise<number> {
  return await withFamily(sweeps, which, options, async (client, { workflowId, status }) => {
    const handle = client.workflow.getHandle(workflowId);
    const table = status.name === 'COMPLETED' ? ((await handle.result()) as Awaited<ReturnType<typeof queryTable>>) : await queryTable(client, workflowId).catch((cause: unknown) => {
      throw new SweepStateError(workflowId, cause);
    });
    if (options.json) printJson({ workflowId, ...table });
    else process.stdout.write(csv ? sweepCsv(table) : `${tableText(table)}\n`);
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

export const sweepListCommand = (options: GlobalOptions): Promise<number> => listFamiliesCommand(sweeps, options);
export const sweepWatchCommand = (which: string | undefined, options: GlobalOptions): Promise<number> => watchFamilyCommand(sweeps, which, options);
export const sweepCancelCommand = (which: string | undefined, options: GlobalOptions): Promise<number> => cancelFamilyCommand(sweeps, which, options);
