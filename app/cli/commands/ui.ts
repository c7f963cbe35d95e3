import { once } from 'node:events';
import type { Ui } from '../../ui/serve.js';
import { CommandLineError, Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { catchInterrupts } from '../interrupts.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { openSession, type Session } from '../session.js';

/** Options specific to `ui`. */
export interface UiFlags {
  /** 0 picks a free port. */
  port: number;
  /** Address of Temporal's own web page. */
  temporalPage?: string;
}

/**
 * `ui`: serves a page on loopback with all runs of the server, until it is told to stop. It runs no pipeline itself.
 * @returns the exit code
 */
export async function uiCommand(flags: UiFlags, options: GlobalOptions): Promise<number> {
  checkPage(flags.temporalPage);
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    const session = await openSession(options.state, { signal, say });
    try {
      const ui = await openUi(session, flags, options);
      say(session.description);
      if (options.json) printJson({ status: 'serving', address: ui.address });
      else process.stdout.write(`${ui.address}\n`);
      say('Open this address in a browser on this machine. Anyone who has it can pause and cancel runs. Press Ctrl-C to stop.');
      if (!signal.aborted) await once(signal, 'abort');
      await ui.close();
      return exitCode.done;
    } finally {
      await session.close();
    }
  } catch (error) {
    // Ctrl-C is the normal end, also during the start.
    if (error instanceof Interrupted) return exitCode.done;
    throw error;
  } finally {
    interrupts.dispose();
  }
}

/** Serves the page over a session that is open. */
export async function openUi({ client, description, page }: Session, { port, temporalPage = page }: UiFlags, options: GlobalOptions): Promise<Ui> {
  // The code for charts is large, so it is loaded once the server is there.
  const { serveUi } = await import('../../ui/serve.js');
  const base = temporalPage?.replace(/\/+$/, '');
  const { namespace } = client.options;
  return await serveUi({
    client, options,
    place: `${description}; state ${options.state}`,
    temporalPage: ({ workflowId, runId }) => base && `${base}/namespaces/${[namespace, 'workflows', workflowId, runId].map(encodeURIComponent).join('/')}/history`,
  }, port);
}

/** The address becomes a link. @throws CommandLineError */
function checkPage(address: string | undefined): void {
  if (address === undefined || (URL.canParse(address) && /^https?:/i.test(address))) return;
  throw new CommandLineError({ where: '--temporal-page', what: `${address} is not the address of a page`, expected: 'http://... or https://...', remedy: "Give the address of your server's web page" });
}
