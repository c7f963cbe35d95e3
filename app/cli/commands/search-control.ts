import { loadSearch } from '../../config/index.js';
import { maxTried } from '../../../workflows/bisection.js';
import { workerCommand } from '../command-text.js';
import { exitCode } from '../exit-codes.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { searches } from '../search/kind.js';
import { searchIdOf, searchRequestFor } from '../search/request.js';
import { startSearch } from '../search/start.js';
import { joinSession } from '../session.js';
import { cancelFamilyCommand, listFamiliesCommand, watchFamilyCommand } from './run-group-control.js';

/** `search start FILE`: starts a search on running workers, prints its id and returns. @returns the exit code */
export async function searchStartCommand(file: string, options: GlobalOptions): Promise<number> {
  const request = searchRequestFor(loadSearch(file, options.set, { allowFloating: options.allowFloating }));
  const workflowId = searchIdOf(request);
  const session = await joinSession(options.state);
  try {
    const { attached } = await startSearch(session.client, workflowId, request, options.taskQueue);
    const { length: points } = request.members;
    if (options.json) printJson({ workflowId, status: 'running', attached, taskQueue: options.taskQueue, points });
    else process.stdout.write(`${attached ? 'Already running' : 'Started'}:\n  WorkflowId  ${workflowId}\n  TaskQueue   ${options.taskQueue}\n  Points      ${points}, at most ${maxTried(points)} runs\n`);
    if (!(await isServed(session.client, options.state, options.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${options.taskQueue} yet: the search waits for one (${workerCommand(options.taskQueue, options.state)}).\n`);
    }
    return exitCode.done;
  } finally {
    await session.close();
  }
}

/** `search validate FILE`: checks a search file and the pipeline of every point. @returns the exit code */
export function searchValidateCommand(file: string, options: GlobalOptions): number {
  const { name, members } = loadSearch(file, options.set, { allowFloating: options.allowFloating });
  const [points, mostRuns] = [members.map((member) => member.name), maxTried(members.length)];
  if (options.json) printJson({ valid: true, name, points, mostRuns, warnings: [], problems: [] });
  else process.stdout.write(`${file}: ok: ${name}, ${points.length} points from ${points[0]} to ${points[points.length - 1]}, at most ${mostRuns} runs\n`);
  return exitCode.done;
}

export const searchListCommand = (options: GlobalOptions): Promise<number> => listFamiliesCommand(searches, options);
export const searchWatchCommand = (which: string | undefined, options: GlobalOptions): Promise<number> => watchFamilyCommand(searches, which, options);
export const searchCancelCommand = (which: string | undefined, options: GlobalOptions): Promise<number> => cancelFamilyCommand(searches, which, options);
