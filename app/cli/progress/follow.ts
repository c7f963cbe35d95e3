import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { progressQuery, type PipelineProgress } from '../../../workflows/protocol.js';
import { unlessAborted } from '../interrupts.js';

const pollMs = 500;
const queryTimeoutMs = 5_000;

/**
 * Asks a run for its progress about twice a second until `signal` aborts. Without an answer (no worker, no server) it keeps asking, because
 * this query does not tell how a run ends.
 */
export async function followProgress(
  client: Client,
  run: { workflowId: string },
  onProgress: (progress: PipelineProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const progress = await unlessAborted(queryProgress(client, run), signal).catch(() => undefined);
    if (progress !== undefined && !signal.aborted) onProgress(progress);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Returns the current progress of a run, in whichever execution it is, with the details that the worker reports for the activity in flight
 * (such as the rounds of a guarded rebuild). Throws what the client throws.
 */
export async function queryProgress(client: Client, run: { workflowId: string }): Promise<PipelineProgress> {
  const handle = client.workflow.getHandle(run.workflowId);
  return await client.connection.withDeadline(Date.now() + queryTimeoutMs, async () => {
    const [progress, description] = await Promise.all([handle.query<PipelineProgress>(progressQuery), handle.describe()]);
    return withDetail(progress, await readHeartbeatDetails(client, description));
  });
}

/** The details that workers report in the heartbeats of activities in flight. */
export async function readHeartbeatDetails(client: Client, { raw }: Pick<WorkflowExecutionDescription, 'raw'>): Promise<unknown[]> {
  const heartbeats = (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => heartbeatDetails?.payloads ?? []);
  return await decodeArrayFromPayloads(client.options.loadedDataConverter, heartbeats);
}

/** Replaces the details of the workflow with those of the worker, if these say the same and more. */
export function withDetail(progress: PipelineProgress, words: readonly unknown[]): PipelineProgress {
  const stages = progress.stages.map((stage) => {
    const more = words.find((word): word is string => typeof word === 'string' && stage.detail !== '' && word.startsWith(stage.detail));
    return stage.state === 'running' && more !== undefined ? { ...stage, detail: more } : stage;
  });
  const preparing = stages.every(({ state }) => state === 'waiting') ? words.find((word): word is string => typeof word === 'string' && word !== '') : undefined;
  return { ...progress, ...(preparing !== undefined && { preparing }), stages };
}
