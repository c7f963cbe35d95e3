/**
 * One local Temporal server for all test files that need one but do not test its start or stop. The first of them starts it, and it
 * is stopped at the end of the test run. Every file works in its own namespace, so that it does not see the runs of others.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { inject } from 'vitest';
import { connectClient } from '../../app/cli/client.js';
import { localConnection } from '../../app/cli/connection.js';
import { ensureLocalServer } from '../../app/cli/local/local-server.js';
import { recordProcess } from '../../app/cli/local/process-records.js';
import { recordServer, serverAddress, serverLog } from '../../app/cli/local/server-record.js';
import { statePaths } from '../../app/cli/state.js';
import { labelKeys } from '../../workflows/run-labels.js';

export interface OwnNamespace {
  /** `host:port` of the shared server. */
  address: string;
  /** The environment variables with which commands and workers find it. */
  env: { TEMPORAL_ADDRESS: string; TEMPORAL_NAMESPACE: string };
  client: Client;
}

/** Numbers of the search attribute types in the gRPC protocol. */
const wireTypes = { KEYWORD: 2, DOUBLE: 4, KEYWORD_LIST: 7 } as const;

/** Creates a new namespace in which runs can be found by their labels. The caller closes the client's connection. */
export async function ownNamespace(name: string): Promise<OwnNamespace> {
  const address = serverAddress(await ensureLocalServer(inject('sharedState')));
  const namespace = `${name}-${randomUUID()}`;
  const client = await connectClient({ ...localConnection(address), namespace });
  const { operatorService, workflowService } = client.connection;
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  const searchAttributes = Object.fromEntries(Object.values(labelKeys).map((key) => [key.name, wireTypes[key.type]]));
  await onceKnown(() => operatorService.addSearchAttributes({ namespace, searchAttributes }));
  await onceKnown(() => workflowService.countWorkflowExecutions({ namespace, query: `${labelKeys.gate.name} = 'passed'` }));
  return { address, env: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace }, client };
}

/**
 * Makes the shared server the local one of a state folder, in the namespace `default`, for messages that only a local server causes.
 * The server is recorded as a user of itself, so that no command is the last user, which would stop it.
 */
export async function shareAsLocal(state: string): Promise<void> {
  const shared = inject('sharedState');
  const server = await ensureLocalServer(shared);
  mkdirSync(statePaths.logs(state), { recursive: true });
  symlinkSync(serverLog(shared), serverLog(state));
  await recordServer(state, server);
  await recordProcess(path.join(statePaths.server(state), 'users'), server.pid);
}

/** Retries a call until the server knows a new namespace and its search attributes. Its parts learn of them one after the other. */
async function onceKnown(call: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await call();
      return;
    } catch (error) {
      if (tries === 600) throw error;
      await sleep(100);
    }
  }
}
