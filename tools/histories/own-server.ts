import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../app/cli/client.js';
import { localConnection } from '../../app/cli/connection.js';
import { answers } from '../../app/cli/local/health.js';
import { freePort } from '../../app/cli/local/ports.js';
import { findTemporalCli } from '../../app/cli/temporal-cli.js';
import { labelKeys } from '../../workflows/run-labels.js';

const attempts = 5;
/** Maximum length of the server's output in an error message. */
const maxSaid = 2_000;

/** A separate Temporal server, in memory. */
export interface OwnServer {
  address: string;
  client: Client;
  stop(): Promise<void>;
}

/**
 * Starts a server with the search attribute of quality gates. It suggests that a workflow continue as new once its history has
 * `suggestedEvents` events.
 * @throws Error if there is no Temporal CLI
 */
export async function startOwnServer(suggestedEvents: number): Promise<OwnServer> {
  const cli = await findTemporalCli();
  if (cli === undefined) throw new Error('There is no Temporal CLI here; run `npm run setup`.');
  const { child, address } = await launch(cli, suggestedEvents);
  const client = await connectClient(localConnection(address));
  const stop = async (): Promise<void> => {
    await client.connection.close();
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { address, client, stop };
}

/** Starts the server. It needs more ports than the given one, and another program may take one of them first. So this retries. */
async function launch(cli: string, suggestedEvents: number): Promise<{ child: ChildProcess; address: string }> {
  const settings = ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestedEvents}`, '--search-attribute', `${labelKeys.gate.name}=Keyword`];
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const child = spawn(cli, ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', `${port}`, ...settings], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-maxSaid)));
    while (child.exitCode === null) {
      if (await answers(address)) return { child, address };
      await sleep(50);
    }
    if (attempt === attempts) throw new Error(`The Temporal server ended with exit code ${child.exitCode}: ${said}`);
  }
}
