import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { digestOf } from '../../files/artifacts/digest.js';
import type { Lock, ParsedPipeline } from '../config/index.js';
import { pipelineWorkflow, type PipelineRequest } from '../../workflows/protocol.js';
import { OtherStateError } from './errors.js';
import { describePipeline } from '../../workflows/describe-pipeline.js';
import { labelsOf } from './run-labels.js';
import { searchAttributesFor, type LabelledSearch } from './search-attributes.js';

/** One execution of a pipeline. */
export interface Run {
  workflowId: string;
  runId: string;
}

export interface StartedRun extends Run {
  /** True if the run was already running, so nothing new was started. */
  attached: boolean;
  /** False if the server does not know all search attributes of a run (`registerHint` says how to register them). */
  findable: boolean;
}

/** The same resolved pipeline has the same id. Starting it again attaches to the run, or runs it again and reuses its artifacts. */
export function workflowIdOf({ pipeline, digest, lock }: Pick<Startable, 'pipeline' | 'digest' | 'lock'>): string {
  const id = `${pipeline.name}-${digest.slice(0, 16)}`;
  // A run that is compared with a lock never attaches to a run without it, and does not overwrite its outputs.
  return lock === undefined ? id : `${id}-locked-${digestOf(lock).slice(0, 8)}`;
}

/** A pipeline, and the lock that its run must match, if any. */
export type Startable = Pick<ParsedPipeline, 'pipeline' | 'digest' | 'folder'> & { lock?: Lock };

/** The argument of a pipeline's workflow. */
export function requestFor({ pipeline, digest, folder, lock }: Startable): PipelineRequest {
  return { pipeline, configDigest: digest, folder, ...(lock !== undefined && { lock }) };
}

/** What a pipeline's workflow is started with, by a person or by a schedule. */
export interface PipelineStart {
  args: [PipelineRequest];
  taskQueue: string;
  /** Shown by `list`, on any server. */
  memo: Record<string, unknown>;
  typedSearchAttributes: LabelledSearch['attributes'];
  /** Shown on Temporal's own web page. */
  staticSummary: string;
  staticDetails: string;
}

/** Returns what to start a pipeline's workflow with on this server. */
export async function pipelineStart(client: Client, request: PipelineRequest, taskQueue: string): Promise<{ start: PipelineStart; findable: boolean }> {
  const { pipeline } = request;
  const labels = labelsOf(pipeline);
  const { attributes, complete } = await searchAttributesFor(client, labels);
  const start: PipelineStart = {
    args: [request],
    taskQueue,
    memo: { pipeline: pipeline.name, ...labels },
    typedSearchAttributes: attributes,
    ...describePipeline(pipeline),
  };
  return { start, findable: complete };
}

/**
 * Starts the pipeline's workflow, or attaches to it if it is running.
 * @throws OtherStateError if it is running on the task queue of another state
 */
export async function startPipeline(client: Client, parsed: Startable, taskQueue: string): Promise<StartedRun> {
  const workflowId = workflowIdOf(parsed);
  const runningBefore = await runningExecution(client, workflowId);
  const { start, findable } = await pipelineStart(client, requestFor(parsed), taskQueue);
  await client.workflow.start(pipelineWorkflow, {
    ...start,
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
  const execution = await client.workflow.getHandle(workflowId).describe();
  if (execution.taskQueue !== taskQueue) {
    throw new OtherStateError({
      what: `pipeline ${workflowId} is already running on task queue ${execution.taskQueue} of another state`,
      expected: `task queue ${taskQueue}`,
      remedy: `Follow it with \`npx temporal-pipeline watch ${workflowId}\`, cancel it, or give its state folder with --state`,
    });
  }
  return { workflowId, runId: execution.runId, attached: runningBefore === execution.runId, findable };
}

/** Run id of the workflow, if it is running. */
async function runningExecution(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const execution = await client.workflow.getHandle(workflowId).describe();
    return execution.status.name === 'RUNNING' ? execution.runId : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
