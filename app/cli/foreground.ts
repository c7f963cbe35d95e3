import type { Client } from '@temporalio/client';
import { thisCommand } from './command-text.js';
import { Interrupted } from './errors.js';
import { exitCode } from './exit-codes.js';
import { setUpOnFirstUse } from './first-use.js';
import { catchInterrupts } from './interrupts.js';
import type { Say } from './local/supervise-server.js';
import { WorkerSupervisor } from './local/supervise-worker.js';
import { closeLog, openLog } from './log.js';
import type { GlobalOptions } from './options.js';
import { printJson } from './output.js';
import { openSession } from './session.js';
import { checkStore } from './store/check.js';

/** What a command in the foreground works with while server and worker are running. */
export interface Foreground {
  client: Client;
  options: GlobalOptions;
  say: Say;
  signal: AbortSignal;
}

/** Starts a server and a worker if there are none, and keeps them running while `act` runs. */
export async function inForeground(options: GlobalOptions, act: (foreground: Foreground) => Promise<number>): Promise<number> {
  await setUpOnFirstUse();
  await checkStore(options);
  const log = openLog({ state: options.state, process: 'run', verbose: options.verbose });
  const say: Say = (line) => {
    process.stderr.write(`${line}\n`);
    log.info(line);
  };
  let keeper: WorkerSupervisor | undefined;
  const interrupts = catchInterrupts(() => keeper?.kill());
  const { signal } = interrupts;
  const stop = new AbortController();
  let keeping = Promise.resolve();
  try {
    const session = await openSession(options.state, { signal, say });
    try {
      say(session.description);
      keeper = new WorkerSupervisor(session.client, options, say);
      keeping = keeper.supervise(AbortSignal.any([signal, stop.signal]));
      return await act({ client: session.client, options, say, signal });
    } finally {
      stop.abort();
      await keeping;
      await keeper?.stop();
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`Interrupted. To continue where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}

