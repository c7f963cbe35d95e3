import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { keysIn } from '../../../files/artifacts/index.js';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { searchWorkflow } from '../../../workflows/search-protocol.js';
import { sweepWorkflow } from '../../../workflows/sweep-protocol.js';

/**
 * Collects the keys of all artifacts that runs in progress refer to: pipelines that have not ended (including paused ones), and all members
 * of sweeps and searches that have not ended.
 * @returns the number of runs, and the keys that their histories name
 * @throws PayloadKeyError if a history is encrypted and the environment has no key for it
 */
export async function liveKeys(client: Client): Promise<{ runs: number; keys: Set<string> }> {
  const runs = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}' AND ExecutionStatus = 'Running'` })) runs.add(workflowId);
  for await (const { workflowId: sweep } of client.workflow.list({ query: `WorkflowType IN ('${sweepWorkflow}', '${searchWorkflow}') AND ExecutionStatus = 'Running'` })) {
    // Members that have ended share artifacts with later ones.
    for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = '${pipelineWorkflow}' AND WorkflowId STARTS_WITH '${sweep}.'` })) runs.add(workflowId);
  }
  const keys = new Set<string>();
  for (const workflowId of runs) {
    for await (const history of historiesOf(client, workflowId)) {
      for (const payload of payloadsOf(history)) for (const key of keysIn(await textOf(payload, client.options.loadedDataConverter.payloadCodecs))) keys.add(key);
    }
  }
  return { runs: runs.size, keys };
}

/** The histories of a run's executions, latest first. A run that continued as new has several, until the server drops the old ones. */
async function* historiesOf(client: Client, workflowId: string): AsyncGenerator<History> {
  let runId: string | null | undefined;
  do {
    const history = await client.workflow.getHandle(workflowId, runId ?? undefined).fetchHistory().catch((error: unknown) => {
      if (runId && error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
    if (history === undefined) return;
    yield history;
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  } while (runId);
}

/** All payloads anywhere in a history. */
function* payloadsOf(value: unknown): Generator<Payload> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  const { metadata, data } = value as Partial<Payload>;
  if (metadata !== undefined && data instanceof Uint8Array) yield { metadata, data };
  else for (const member of Object.values(value)) yield* payloadsOf(member);
}

async function textOf(payload: Payload, codecs: readonly PayloadCodec[]): Promise<string> {
  let plain = payload;
  for (const codec of codecs.toReversed()) plain = (await codec.decode([plain]))[0] ?? plain;
  return Buffer.from(plain.data ?? []).toString();
}
