import { readFileSync, writeFileSync } from 'node:fs';
import { engineText, startLedger } from '../science/engine/index.js';
import {
  addMeasurement, advanceCost, assumedMachine, checkpointSize, initialShardSteps, kinds, knownMachine, outputsCost, processorName, proofCost, questionsPerBatch, rebuildShardSteps, sampleCost,
  scoreCost, scoredWindows, secondsOf, textBytes, unitMemory,
} from '../app/planning/index.js';
import type { Cost, ModelSize, Windows } from '../science/cost/index.js';
import { allocationMethodOf, initialMethodOf, ownSettings, rebuildMethodOf } from '../science/methods/index.js';
import type { ComputeTask } from './compute/messages.js';
import type {
  AdvanceInput, InitialMaskInput, Path, PerplexityInput, RebuildInput,
  RunContext, SampleCalibrationInput, SampleEvaluationInput, ScoreLayerInput, TokensRef, UnitResult,
} from './types.js';
import type { ChooseMaskInput, GatherInput, RebuildSubBlockInput, ShardedRebuildInput } from './shards/types.js';
import type { WorkCosts } from './result.js';
import type { Workbench } from './workbench.js';

/** A task's kind and its predicted cost. */
interface Unit {
  kind: string;
  cost: Cost;
}

/**
 * Runs a task, and records its measured and predicted costs in the state folder, for later plans.
 * Nothing is recorded for a task that found its result in the store. The result gets a breakdown of the time. A record that
 * cannot be written must not fail the task, so errors are ignored.
 */
export async function measureUnit(task: ComputeTask, input: unknown, bench: Workbench, run: () => Promise<unknown>): Promise<unknown> {
  resetPeak();
  const end = startLedger();
  const result = await run();
  const made = result as Partial<UnitResult> | null | undefined;
  if (made?.reused !== false || made.seconds === undefined) return result;
  const peak = peakBytes();
  const { up, down, ...rest } = end();
  const costs: WorkCosts = { bytesUp: up, bytesDown: down, ...rest, ...(peak !== undefined && { peakBytes: peak }) };
  await record(task, input, bench, made.seconds, peak).catch(() => undefined);
  return { ...made, costs };
}

async function record(task: ComputeTask, input: unknown, bench: Workbench, seconds: number, bytes: number | undefined): Promise<void> {
  const { context } = input as { context: RunContext };
  const { model, checkpoint } = await bench.model(context.model);
  const unit = unitOf(task, input, checkpointSize(model, checkpoint));
  if (unit === undefined || bytes === undefined) return;
  const { engine } = context;
  const machine = (await knownMachine(bench.state, { backend: engine.backend, precision: engine.precision })) ?? assumedMachine(engine);
  await addMeasurement(bench.state, {
    at: new Date().toISOString(),
    kind: unit.kind,
    engine: engineText(engine),
    machine: machine.origin,
    processor: processorName(),
    work: unit.cost.work,
    predicted: { seconds: secondsOf(unit.cost.work, machine), bytes: unitMemory(unit.cost, { ...machine, engine }).host },
    measured: { seconds, bytes },
  });
}

function unitOf(task: ComputeTask, input: unknown, size: ModelSize): Unit | undefined {
  const windows = ({ samples, sequenceLength, questions }: TokensRef): Windows => {
    const { sequencesPerBatch } = (input as { context: RunContext }).context;
    const { heads, hidden, intermediate } = size;
    const perBatch = questions === undefined ? sequencesPerBatch : questionsPerBatch({ attentionHeads: heads, hiddenSize: hidden, intermediateSize: intermediate }, sequenceLength);
    return { samples, time: sequenceLength, perBatch };
  };
  switch (task) {
    case 'sampleCalibration':
      return { kind: kinds.sample, cost: sampleCost(textBytes((input as SampleCalibrationInput).stage.dataset)) };
    case 'sampleEvaluation':
      return { kind: kinds.sample, cost: sampleCost(textBytes((input as SampleEvaluationInput).task.dataset)) };
    case 'scoreLikelihoods':
      return { kind: kinds.likelihoods, cost: scoreCost(size, scoredWindows(windows((input as PerplexityInput).path.tokens))) };
    case 'makeInitialMask': {
      const { stage, path } = input as InitialMaskInput;
      // The costs of a stage without a path do not depend on the windows.
      const through = path === undefined ? { samples: 1, time: 1, perBatch: 1 } : windows(path.tokens);
      return { kind: kinds.initialMask(stage.method), cost: initialMethodOf(stage.method).cost(size, through) };
    }
    case 'gatherShard':
    case 'chooseMask': {
      const { stage, ...rest } = input as GatherInput | ChooseMaskInput;
      return initialShardSteps(stage.method, size, ...allWindows(rest, windows))?.steps.at(task === 'gatherShard' ? 0 : 1);
    }
    case 'gatherSubBlock':
    case 'rebuildSubBlock':
    case 'finishShard': {
      const { stage, ...rest } = input as ShardedRebuildInput | RebuildSubBlockInput;
      return rebuildShardSteps(stage, size, ...allWindows(rest, windows))?.steps.at(['gatherSubBlock', 'rebuildSubBlock', 'finishShard'].indexOf(task));
    }
    case 'rebuildLayer': {
      const { stage, path } = input as RebuildInput;
      const method = rebuildMethodOf(stage.strategy);
      return { kind: kinds.rebuild(stage.strategy), cost: method.cost(size, windows(path.tokens), stage, ownSettings(method.settings, stage)) };
    }
    case 'advanceLayer': {
      const { tokens } = (input as AdvanceInput).path;
      return { kind: tokens.questions === undefined ? kinds.advance : kinds.questions, cost: advanceCost(size, windows(tokens)) };
    }
    case 'scorePerplexity':
      return { kind: kinds.score, cost: scoreCost(size, windows((input as PerplexityInput).path.tokens)) };
    case 'scoreLayer': {
      const { method: name, tokens } = input as ScoreLayerInput;
      const method = allocationMethodOf(name);
      return method.needs === 'nothing' ? undefined : { kind: kinds.scoring(name), cost: method.cost(size, windows(tokens)) };
    }
    case 'writeOutputs':
      return { kind: kinds.outputs, cost: outputsCost(size) };
    case 'proveOutputs':
      return { kind: kinds.proof, cost: proofCost(size) };
    default:
      return undefined;
  }
}

/** Returns all windows of a piece of work, whether it is for one shard or for all, and the number of shards. */
function allWindows({ path: { tokens }, ...rest }: { path: Path; shards?: TokensRef[] }, windows: (tokens: TokensRef) => Windows): [Windows, number] {
  const count = tokens.shard?.of ?? rest.shards?.length ?? 1;
  const samples = tokens.samples * (tokens.shard === undefined ? 1 : count);
  return [windows({ ...tokens, samples }), count];
}

/** Resets the kernel's peak memory counter of this process. If that fails, peaks cover the whole life of the process. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not permitted.
  }
}

/** Peak resident bytes of this process; undefined if the system does not report them. */
function peakBytes(): number | undefined {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
