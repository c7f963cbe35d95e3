import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { progressQuery, type PipelineProgress } from '../../workflows/protocol.js';
import { unlessAborted } from '../interrupts.js';

const pollMs = 500;
const queryTimeoutMs = 5_000;

/**
 * Asks a run for its progress about twice a second until `signal` aborts. While nobody answers (no worker, no server)
 * it goes on asking: how a run ends is not told by this query.
 */
export async function followProgress(
  client: Client,
  run: { workflowId: string; runId: string },
  onProgress: (progress: PipelineProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const progress = await unlessAborted(queryProgress(client, run), signal).catch(() => undefined);
    if (progress !== undefined && !signal.aborted) onProgress(progress);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The progress of a run now. Throws what the client throws. */
export async function queryProgress(client: Client, run: { workflowId: string; runId: string }): Promise<PipelineProgress> {
  const handle = client.workflow.getHandle(run.workflowId, run.runId);
  return await client.connection.withDeadline(Date.now() + queryTimeoutMs, () => handle.query<PipelineProgress>(progressQuery));
}
