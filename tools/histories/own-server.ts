import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../app/cli/client.js';
import { localConnection } from '../../app/cli/connection.js';
import { answers } from '../../app/cli/local/health.js';
import { freePort } from '../../app/cli/local/ports.js';
import { findTemporalCli } from '../../app/cli/temporal-cli.js';
import { labelKeys } from '../../workflows/run-labels.js';

/** A Temporal server of the caller's own, in memory. */
export interface OwnServer {
  address: string;
  client: Client;
  stop(): Promise<void>;
}

/**
 * Starts a server that knows the search attribute of quality gates, and suggests to a workflow to continue as new once its history has so many events.
 * @throws Error where there is no Temporal CLI
 */
export async function startOwnServer(suggestedEvents: number): Promise<OwnServer> {
  const cli = await findTemporalCli();
  if (cli === undefined) throw new Error('There is no Temporal CLI here; run `npm run setup`.');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const settings = ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestedEvents}`, '--search-attribute', `${labelKeys.gate.name}=Keyword`];
  const words = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', `${port}`, ...settings];
  const child = spawn(cli, words, { stdio: 'ignore' });
  while (!(await answers(address))) {
    if (child.exitCode !== null) throw new Error(`The Temporal server ended with exit code ${child.exitCode}.`);
    await sleep(50);
  }
  const client = await connectClient(localConnection(address));
  const stop = async (): Promise<void> => {
    await client.connection.close();
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { address, client, stop };
}
