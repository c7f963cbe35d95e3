import { statSync } from 'node:fs';
import type { DatasetSource, PerplexityTask, Pipeline, Stage } from '../config/pipeline.js';
import { addWork, hiddenBytes, maskBytes, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
import { allocationMethodOf, type AllocationMethodName } from '../../science/methods/allocation/registry.js';
import { initialMethodOf } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf } from '../../science/methods/rebuild/registry.js';
import { ownSettings } from '../../science/methods/settings.js';
import type { HiddenPass } from './hidden-writes.js';
import * as layers from './layer-cost.js';
import { initialShardSteps, rebuildShardSteps, shardOf, type PlannedShards } from './shards.js';
import { embedStep, kinds, sampleCost, tokensOf, type Step } from './step.js';
import { zeroShotSteps } from './zero-shot.js';

/** A stage as units of work. */
export interface StageSteps {
  type: Stage['type'] | 'outputs' | 'proof';
  /** What the stage does, for a person. */
  what: string;
  steps: Step[];
  /**
   * Bytes that the stage leaves on disk, and bytes that it takes for a while on top of them. Hidden states that are stored against loss are
   * not included.
   */
  disk: { kept: number; temporary: number };
  hidden: HiddenPass[];
  /** Absent if the calibration is not divided. */
  shards?: PlannedShards;
}

/** Bytes of the texts that have names. */
const namedTexts: Readonly<Record<string, number>> = { wikitext2: 1_290_590, ptb: 449_945, c4: 20_000_000 };

/** Returns the bytes of a text. */
export function textBytes(dataset: DatasetSource): number {
  if ('name' in dataset) return namedTexts[dataset.name];
  return statSync(dataset.file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Returns how many windows of a text are scored. */
export function windowsOf({ dataset, sequenceLength, skipTokens, maxWindows }: PerplexityTask, vocabulary: number): number {
  const all = Math.floor((tokensOf(textBytes(dataset), vocabulary) - skipTokens) / sequenceLength);
  return Math.max(1, Math.min(all, maxWindows ?? Infinity));
}

/** Cost of copying the checkpoint tensor by tensor, with zeros. */
export function outputsCost(size: ModelSize): Cost {
  return {
    memory: { tensors: 0, host: 3 * 4 * size.largestTensor + size.layer.linear },
    work: addWork([1, { readBytes: size.fileBytes, writtenBytes: size.fileBytes + size.prunable / 8, hostFlops: 4 * size.prunable, files: 8 }]),
  };
}

/** Cost of reading the written checkpoint beside the dense one. */
export function proofCost(size: ModelSize): Cost {
  return { memory: { tensors: 0, host: 64 * 2 ** 20 }, work: addWork([1, { readBytes: 2 * size.fileBytes, hostFlops: 8 * size.parameters }]) };
}

/** Returns the stages of a pipeline with their costs, in the order in which they run, including outputs and proof. */
export function stageSteps(pipeline: Pipeline, size: ModelSize, perBatch: number): StageSteps[] {
  const result: StageSteps[] = [];
  const lastMaking = pipeline.stages.findLastIndex(({ type }) => type === 'initialMask' || type === 'rebuild');
  let windows: Windows | undefined;
  let shards = 1;
  let updates = false;
  for (const [index, stage] of pipeline.stages.entries()) {
    if (stage.type === 'calibration') {
      windows = { samples: stage.samples, time: stage.sequenceLength, perBatch };
      ({ shards = 1 } = stage);
    }
    if (stage.type === 'initialMask') ({ updates } = initialMethodOf(stage.method));
    if (stage.type === 'rebuild') updates = stage.weights === 'refit' || (updates && stage.weights === 'keep-updates');
    result.push(stepsOf(stage, size, windows, { perBatch, updates, shards }));
    if (index === lastMaking) result.push(...outputSteps(size));
  }
  return result;
}

interface StageContext {
  perBatch: number;
  /** Whether the masks of the stage come with updated weights. */
  updates: boolean;
  /** The number of shards of the windows. */
  shards: number;
}

function stepsOf(stage: Stage, size: ModelSize, windows: Windows | undefined, { perBatch, updates, shards }: StageContext): StageSteps {
  switch (stage.type) {
    case 'calibration': {
      const bytes = textBytes(stage.dataset);
      const { samples, sequenceLength } = stage;
      const step = { kind: kinds.sample, count: 1, cost: sampleCost(bytes) };
      return { type: stage.type, what: `${samples} windows of ${sequenceLength} tokens`, steps: [step], disk: { kept: 4 * samples * sequenceLength, temporary: 0 }, hidden: [] };
    }
    case 'initialMask': {
      const { method, allocation } = stage;
      const scoring = allocation === undefined || windows === undefined ? noSteps : scoringSteps(allocation.method, size, windows);
      const kept = size.layers * maskBytes(size) + (updates ? 4 * size.prunable : 0);
      const { needs, cost } = initialMethodOf(method);
      if (needs !== 'hidden-states' || windows === undefined) {
        const step = { kind: kinds.initialMask(method), count: size.layers, cost: cost(size, windows ?? { samples: 1, time: 1, perBatch: 1 }) };
        return { type: stage.type, what: method, steps: [...scoring.steps, step], disk: { kept, temporary: scoring.temporary }, hidden: scoring.hidden };
      }
      const divided = shards === 1 ? undefined : initialShardSteps(method, size, windows, shards);
      return {
        type: stage.type,
        what: method,
        steps: [...scoring.steps, embedStep(size, windows), ...(divided?.steps ?? [{ kind: kinds.initialMask(method), count: size.layers, cost: cost(size, windows) }])],
        disk: { kept, temporary: scoring.temporary + (divided?.shards.bytesPerLayer ?? 0) },
        hidden: [...scoring.hidden, hiddenPass(size, windows, shards)],
        ...(divided && { shards: divided.shards }),
      };
    }
    case 'rebuild': {
      if (windows === undefined) return { type: stage.type, what: stage.strategy, steps: [], disk: { kept: 0, temporary: 0 }, hidden: [] };
      const { strategy } = stage;
      const method = rebuildMethodOf(strategy);
      const settings = ownSettings(method.settings, stage);
      const beside = method.needsDensePath?.(settings, stage) === true;
      const divided = shards === 1 ? undefined : rebuildShardSteps(stage, size, windows, shards);
      return {
        type: stage.type,
        what: strategy,
        steps: [embedStep(size, windows, beside ? 2 : 1), ...(divided?.steps ?? [{ kind: kinds.rebuild(strategy), count: size.layers, cost: method.cost(size, windows, stage, settings) }])],
        disk: { kept: size.layers * maskBytes(size) + (updates ? 4 * size.prunable : 0), temporary: divided?.shards.bytesPerLayer ?? 0 },
        hidden: [divided === undefined ? { ...hiddenPass(size, windows), paths: beside ? 2 : 1 } : hiddenPass(size, windows, shards)],
        ...(divided && { shards: divided.shards }),
      };
    }
    case 'evaluation': {
      const tasks = stage.perplexity.map((task) => ({ bytes: textBytes(task.dataset), windows: { samples: windowsOf(task, size.vocabulary), time: task.sequenceLength, perBatch } }));
      const states = stage.states.length;
      const count = tasks.reduce((total, task) => total + task.windows.samples, 0);
      const zeroShot = zeroShotSteps(stage, size);
      const judged = [...(tasks.length === 0 ? [] : [`${count} windows`]), ...(zeroShot.tasks === 0 ? [] : [`${zeroShot.tasks} zero-shot ${zeroShot.tasks === 1 ? 'task' : 'tasks'}`])];
      return {
        type: stage.type,
        what: `${stage.states.join(', ')} on ${judged.join(' and ')}`,
        steps: [...tasks.flatMap((task) => [
          { kind: kinds.sample, count: 1, cost: sampleCost(task.bytes) },
          embedStep(size, task.windows, states),
          { kind: kinds.advance, count: states * size.layers, cost: layers.advanceCost(size, task.windows) },
          { kind: kinds.score, count: states, cost: layers.scoreCost(size, task.windows) },
        ]), ...zeroShot.steps],
        disk: {
          kept: tasks.reduce((total, task) => total + 4 * task.windows.samples * task.windows.time, zeroShot.disk.kept),
          temporary: 0,
        },
        hidden: [...tasks.map((task) => ({ windows: task.windows, layers: size.layers, paths: 1, times: states })), ...zeroShot.hidden],
      };
    }
  }
}

/** A pass of hidden states through all layers, on one path per shard. The output of the last layer is not used. */
function hiddenPass({ layers: all }: ModelSize, windows: Windows, shards = 1): HiddenPass {
  return { windows: shardOf(windows, shards), layers: all - 1, paths: shards, times: 1 };
}

interface Scoring {
  steps: Step[];
  temporary: number;
  hidden: HiddenPass[];
}

const noSteps: Scoring = { steps: [], temporary: 0, hidden: [] };

function scoringSteps(name: AllocationMethodName, size: ModelSize, windows: Windows): Scoring {
  const method = allocationMethodOf(name);
  if (method.needs === 'nothing') return noSteps;
  const hidden = hiddenBytes(size, windows);
  const steps = [{ kind: kinds.scoring(name), count: size.layers, cost: method.cost(size, windows) }];
  if (method.needs === 'inputs') return { steps, temporary: 0, hidden: [hiddenPass(size, windows)] };
  // The backward pass needs the hidden states of all layers.
  return { steps: [{ kind: kinds.advance, count: size.layers, cost: layers.advanceCost(size, windows) }, ...steps], temporary: (size.layers + 2) * hidden, hidden: [] };
}

function outputSteps(size: ModelSize): StageSteps[] {
  return [
    { type: 'outputs', what: 'checkpoint and mask', steps: [{ kind: kinds.outputs, count: 1, cost: outputsCost(size) }], disk: { kept: size.fileBytes + size.prunable / 8, temporary: 0 }, hidden: [] },
    { type: 'proof', what: 'checkpoint against the dense model', steps: [{ kind: kinds.proof, count: 1, cost: proofCost(size) }], disk: { kept: 0, temporary: 0 }, hidden: [] },
  ];
}
