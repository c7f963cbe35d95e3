import { loadLockFor, type LockOptions } from '../load-lock.js';
import { loadPipelineFile } from '../load-pipeline.js';
import { workerCommand } from '../command-text.js';
import { exitCode } from '../exit-codes.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { registerHint } from '../search-attributes.js';
import { joinSession } from '../session.js';
import { printJson } from '../output.js';
import { startPipeline } from '../start-pipeline.js';

/**
 * `start FILE`, and `temporal workflow start --pipeline FILE`: starts the pipeline, prints its ids and returns.
 * @returns the exit code
 */
export async function startCommand(file: string, options: GlobalOptions, locking: LockOptions = {}): Promise<number> {
  const parsed = { ...loadPipelineFile(file, options), lock: loadLockFor(file, locking) };
  const session = await joinSession(options.state);
  try {
    const { workflowId, runId, attached, findable } = await startPipeline(session.client, parsed, options.taskQueue);
    if (options.json) printJson({ workflowId, runId, status: 'running', attached, taskQueue: options.taskQueue, configDigest: parsed.digest });
    else {
      const lines = [attached ? 'Already running:' : 'Started:', `  WorkflowId  ${workflowId}`, `  RunId       ${runId}`, `  TaskQueue   ${options.taskQueue}`];
      process.stdout.write(`${lines.join('\n')}\n`);
    }
    if (!findable) process.stderr.write(`${registerHint}\n`);
    if (!(await isServed(session.client, options.state, options.taskQueue))) {
      process.stderr.write(`No worker serves task queue ${options.taskQueue} yet: the pipeline waits for one (${workerCommand(options.taskQueue, options.state)}).\n`);
    }
    return exitCode.done;
  } finally {
    await session.close();
  }
}
