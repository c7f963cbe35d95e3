/** A member of a sweep or of a search: runs it as a pipeline workflow, and describes its outcome. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, executeChild, isCancellation, ParentClosePolicy, sleep, workflowInfo, WorkflowIdReusePolicy } from '@temporalio/workflow';
import { withChanges } from './changes.js';
import { describePipeline } from './describe-pipeline.js';
import { pipelineWorkflow, type PipelineRequest, type PipelineResult } from './protocol.js';
import { labelsOf, searchAttributesOf } from './run-labels.js';
import { memberWorkflowId, type MemberOutcome, type SweepMember, type SweepRequest } from './sweep-protocol.js';

/** Limit in characters. A sweep hands on the messages of all its members, and the server takes 2 MB. */
const longestMessage = 500;

/** The parts of a request that are needed to run its members. */
export type RunGroup = Pick<SweepRequest, 'base' | 'searchable' | 'source'>;

/** Runs a member to its end. */
export async function runMember({ base, searchable, source }: RunGroup, { name, changes, configDigest }: SweepMember): Promise<PipelineResult> {
  const pipeline = withChanges(base, changes);
  const labels = labelsOf(pipeline);
  for (let seconds = 1; ; seconds = Math.min(60, seconds * 2)) {
    try {
      return await executeChild<(request: PipelineRequest) => Promise<PipelineResult>>(pipelineWorkflow, {
        workflowId: memberWorkflowId(workflowInfo().workflowId, name),
        args: [{ pipeline, configDigest, folder: source.path.replace(/[\\/][^\\/]*$/, '') || '/' }],
        // The finished work of the member is in the store. Nothing needs the rest if the sweep is terminated.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        memo: { pipeline: pipeline.name, ...labels },
        ...describePipeline(pipeline),
        typedSearchAttributes: searchAttributesOf(labels).filter(({ key }) => searchable.includes(key.name)),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    // A member of an earlier sweep, which was terminated, is still being cancelled.
    await sleep(`${seconds} seconds`);
  }
}

/** The outcome of a member that has a result, whether its gates passed or not. */
export function doneOutcome({ perplexity, zeroShot, sparsity, seconds, spent, checkpoint, report, gates = [] }: PipelineResult): MemberOutcome {
  const failed = gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
  const status = failed.length === 0 ? { status: 'done' as const } : { status: 'gateFailed' as const, because: failed.join('; ') };
  return { ...status, perplexity, ...(zeroShot !== undefined && accuraciesOf(zeroShot)), sparsity: sparsity.actual, seconds: seconds.total, ...(spent !== undefined && { spent }), checkpoint, report };
}

function accuraciesOf(zeroShot: NonNullable<PipelineResult['zeroShot']>): Pick<MemberOutcome, 'accuracy' | 'chance'> {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const accuracy = Object.fromEntries(Object.entries(zeroShot).map(([state, tasks]) => [state, mean(Object.values(tasks).map(({ acc }) => acc))]));
  // Every state is judged on the same tasks.
  const chances = Object.values(Object.values(zeroShot).at(0) ?? {}).map(({ chance }) => chance);
  const known = chances.filter((chance) => chance !== undefined);
  return { accuracy, ...(known.length > 0 && known.length === chances.length && { chance: mean(known) }) };
}

/** The outcome of a member that has no result. */
export function failedOutcome(error: unknown): MemberOutcome {
  if (isCancellation(error)) return { status: 'cancelled' };
  let cause = error;
  while ((cause instanceof ChildWorkflowFailure || cause instanceof ActivityFailure) && cause.cause !== undefined) cause = cause.cause;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  return { status: 'failed', error: { type: type ?? name, message: message.slice(0, longestMessage) } };
}
