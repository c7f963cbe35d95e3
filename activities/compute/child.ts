/**
 * The compute process: receives tasks from the worker, runs them one at a time, answers.
 * It ends by itself when the worker is gone, so that a killed worker leaves nobody behind.
 */
import { openStore } from '../../artifacts/index.js';
import { advanceLayer } from '../advance-layer.js';
import { AllowedPaths } from '../allowed-paths.js';
import { findScores, scoreLayer } from '../allocation.js';
import { findPerplexity, scorePerplexity } from '../evaluation.js';
import { makeInitialMask } from '../initial-mask.js';
import { measureUnit } from '../measure-unit.js';
import { prepareRun } from '../prepare-run.js';
import { proveMasks, proveOutputs } from '../prove.js';
import { rebuildLayer } from '../rebuild.js';
import { sampleCalibration, sampleEvaluation } from '../sample-tokens.js';
import type { ComputeActivities } from '../types.js';
import { Workbench } from '../workbench.js';
import { writeOutputs } from '../write-outputs.js';
import { findLikelihoods, judgeZeroShot, sampleQuestions, scoreLikelihoods } from '../zero-shot/index.js';
import { serializeFault } from './failure.js';
import type { ReplyMessage, TaskMessage } from './messages.js';
import { OtherEngineNeeded } from './engine-slot.js';

/** The stages by task name. Each gets its input and the workbench of this process. */
const stages: { [Task in keyof ComputeActivities]: (input: never, bench: Workbench) => Promise<unknown> } = {
  prepareRun,
  sampleCalibration,
  sampleEvaluation,
  findScores,
  scoreLayer,
  makeInitialMask,
  rebuildLayer,
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

const [state, location = '', ...allowedFolders] = process.argv.slice(2);
if (state === undefined) throw new Error('The compute process is started by the worker, with state folder, store and allowed folders as its arguments.');
const store = await openStore(state, location === '' ? undefined : location);
const bench = new Workbench(state, store, new AllowedPaths(allowedFolders.length === 0 ? undefined : allowedFolders));
await store.removeOldDrafts();

function reply(message: ReplyMessage): void {
  process.send?.(message);
}

async function handle({ id, task, input }: TaskMessage): Promise<void> {
  bench.onProgress = (detail) => {
    reply({ id, kind: 'progress', detail });
  };
  try {
    reply({ id, kind: 'done', result: await measureUnit(task, input, bench, () => stages[task](input as never, bench)) });
  } catch (error) {
    if (error instanceof OtherEngineNeeded) {
      reply({ id, kind: 'otherEngine' });
      return;
    }
    // What a failed task left in memory may be half done; the next one reads from disk.
    bench.forget();
    reply({ id, kind: 'failed', fault: serializeFault(error) });
  }
}

process.on('message', (message: TaskMessage) => void handle(message));
process.on('disconnect', () => process.exit(0));
