/**
 * The compute process: receives tasks from the worker, runs them one at a time, and answers.
 * It exits when the worker is gone, so that a killed worker leaves no process behind.
 */
import { openStore } from '../../files/artifacts/index.js';
import { AllowedPaths } from '../allowed-paths.js';
import { Workbench } from '../workbench.js';
import { OtherEngineNeeded } from './engine-slot.js';
import { serializeFault } from './failure.js';
import type { EndMessage, ReplyMessage, SecretsMessage, TaskMessage } from './messages.js';
import { runTask } from './tasks.js';

/** Sets the secrets, then opens the store, which may need them. Variables that are set here do not appear in `/proc/self/environ`. */
async function open({ environment }: SecretsMessage): Promise<Workbench> {
  Object.assign(process.env, environment);
  const [state, location = '', ...allowedFolders] = process.argv.slice(2);
  if (state === undefined) throw new Error('The compute process is started by the worker, with state folder, store and allowed folders as its arguments.');
  const store = await openStore(state, location === '' ? undefined : location);
  await store.removeOldDrafts();
  const bench = new Workbench(state, store, new AllowedPaths(allowedFolders.length === 0 ? undefined : allowedFolders));
  bench.onIncident = (what) => {
    reply({ kind: 'incident', what });
  };
  return bench;
}

function reply(message: ReplyMessage): void {
  process.send?.(message);
}

async function handle({ id, task, input }: TaskMessage): Promise<void> {
  try {
    const bench = await workbench();
    bench.onProgress = (detail) => {
      reply({ id, kind: 'progress', detail });
    };
    reply({ id, kind: 'done', result: await runTask(task, input as never, bench) });
  } catch (error) {
    if (error instanceof OtherEngineNeeded) reply({ id, kind: 'otherEngine' });
    else reply({ id, kind: 'failed', fault: serializeFault(error) });
  }
}

let secrets: SecretsMessage = { kind: 'secrets', environment: {} };
let opened: Promise<Workbench> | undefined;
/** Returns the workbench. If it could not be opened, for example because the disk is full, the next task tries again. */
function workbench(): Promise<Workbench> {
  opened ??= open(secrets).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

/** Exits at once, after removing the partial file of a background write. */
async function end(): Promise<void> {
  await opened?.then((bench) => bench.hidden.close()).catch(() => undefined);
  process.exit(0);
}

process.on('message', (message: SecretsMessage | TaskMessage | EndMessage) => {
  if (message.kind === 'end') void end();
  else if (message.kind === 'secrets') secrets = message;
  else void handle(message);
});
process.on('disconnect', () => void end());
