import { inTensorScope } from '../../science/engine/index.js';
import { advanceLayer } from '../advance-layer.js';
import { findScores, scoreLayer } from '../allocation.js';
import { findPerplexity, scorePerplexity } from '../evaluation.js';
import { makeInitialMask } from '../initial-mask.js';
import { measureUnit } from '../measure-unit.js';
import { prepareRun } from '../prepare-run.js';
import { proveMasks, proveOutputs } from '../prove.js';
import { rebuildLayer } from '../rebuild.js';
import { sampleCalibration, sampleEvaluation } from '../sample-tokens.js';
import type { ComputeActivities } from '../types.js';
import type { Workbench } from '../workbench.js';
import { chooseMask, gatherShard } from '../shards/initial-mask.js';
import { closeLayer, finishShard, gatherSubBlock, rebuildSubBlock } from '../shards/rebuild.js';
import { writeOutputs } from '../write-outputs.js';
import { findLikelihoods, judgeZeroShot, sampleQuestions, scoreLikelihoods } from '../zero-shot/index.js';
import { OtherEngineNeeded } from './engine-slot.js';
import type { ComputeTask } from './messages.js';

/** The stages by task name. Each gets its input and the workbench of its process. */
const stages: { [Task in ComputeTask]: (input: never, bench: Workbench) => ReturnType<ComputeActivities[Task]> } = {
  prepareRun,
  sampleCalibration,
  sampleEvaluation,
  findScores,
  scoreLayer,
  makeInitialMask,
  gatherShard,
  chooseMask,
  rebuildLayer,
  gatherSubBlock,
  rebuildSubBlock,
  finishShard,
  closeLayer,
  findPerplexity,
  advanceLayer,
  scorePerplexity,
  sampleQuestions,
  findLikelihoods,
  scoreLikelihoods,
  judgeZeroShot,
  proveMasks,
  writeOutputs,
  proveOutputs,
};

/** The tasks of a layer's rebuild from shards, between which the layer stays open. */
const stepTasks: ReadonlySet<ComputeTask> = new Set(['gatherSubBlock', 'rebuildSubBlock', 'finishShard']);

/**
 * Runs a task and frees its tensors, except the hidden states for the next task. If the task fails, those are freed too: at 13B
 * one copy takes 5.4 GB, and on a full disk a task may be retried for hours.
 * @throws OtherEngineNeeded before the task has begun, and everything that its stage throws
 */
export async function runTask<Task extends ComputeTask>(task: Task, input: Parameters<ComputeActivities[Task]>[0], bench: Workbench): Promise<Awaited<ReturnType<ComputeActivities[Task]>>> {
  if (!stepTasks.has(task)) bench.openLayer.forget();
  try {
    const result = await inTensorScope(() => measureUnit(task, input, bench, () => stages[task](input as never, bench)));
    return result as Awaited<ReturnType<ComputeActivities[Task]>>;
  } catch (error) {
    // A failed task may leave incomplete results in memory, so the next task reads from disk.
    if (!(error instanceof OtherEngineNeeded)) bench.forget();
    throw error;
  }
}
