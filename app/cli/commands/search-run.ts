import { loadSearch } from '../../config/index.js';
import { maxTried } from '../../../workflows/bisection.js';
import { retryWhileUnavailable } from '../client.js';
import { inForeground } from '../foreground.js';
import { unlessAborted } from '../interrupts.js';
import type { GlobalOptions } from '../options.js';
import { searches } from '../search/kind.js';
import { searchIdOf, searchRequestFor } from '../search/request.js';
import { startSearch } from '../search/start.js';
import { followToEnd } from '../sweep/follow.js';

/**
 * `search run FILE`: starts server, worker and search on this machine, and shows progress and result. A search that has ended starts again
 * and reuses its finished work.
 * @returns the exit code
 */
export async function searchRunCommand(file: string, options: GlobalOptions): Promise<number> {
  const request = searchRequestFor(loadSearch(file, options.set, { allowFloating: options.allowFloating }));
  return await inForeground(options, async ({ client, say, signal }) => {
    const workflowId = searchIdOf(request);
    const { attached } = await unlessAborted(retryWhileUnavailable(() => startSearch(client, workflowId, request, options.taskQueue), signal), signal);
    const { length: points } = request.members;
    say(`Search ${workflowId} ${attached ? 'was already running; attached to it' : `started: ${points} points, at most ${maxTried(points)} runs`}.`);
    return await followToEnd(client, searches, workflowId, { options, signal });
  });
}
