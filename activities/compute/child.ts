/**
 * The compute process: receives tasks from the worker, runs them one at a time, answers.
 * It ends by itself when the worker is gone, so that a killed worker leaves nobody behind.
 */
import { openStore } from '../../artifacts/index.js';
import { AllowedPaths } from '../allowed-paths.js';
import { Workbench } from '../workbench.js';
import { OtherEngineNeeded } from './engine-slot.js';
import { serializeFault } from './failure.js';
import type { ReplyMessage, TaskMessage } from './messages.js';
import { runTask } from './tasks.js';

const [state, location = '', ...allowedFolders] = process.argv.slice(2);
if (state === undefined) throw new Error('The compute process is started by the worker, with state folder, store and allowed folders as its arguments.');
const store = await openStore(state, location === '' ? undefined : location);
const bench = new Workbench(state, store, new AllowedPaths(allowedFolders.length === 0 ? undefined : allowedFolders));
await store.removeOldDrafts();

function reply(message: ReplyMessage): void {
  process.send?.(message);
}

async function handle({ id, task, input }: TaskMessage): Promise<void> {
  bench.onProgress = (detail) => {
    reply({ id, kind: 'progress', detail });
  };
  try {
    reply({ id, kind: 'done', result: await runTask(task, input as never, bench) });
  } catch (error) {
    if (error instanceof OtherEngineNeeded) reply({ id, kind: 'otherEngine' });
    else reply({ id, kind: 'failed', fault: serializeFault(error) });
  }
}

process.on('message', (message: TaskMessage) => void handle(message));
process.on('disconnect', () => process.exit(0));
