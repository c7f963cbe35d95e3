import { maxLossOf } from '../config/durability.js';
import type { Pipeline } from '../config/pipeline.js';
import { isGpu } from './capacity.js';
import { hiddenBytes, type Cost } from '../../science/cost/index.js';
import { engineText } from '../../science/engine/engine-text.js';
import { eventsOf, type Events } from './events.js';
import { addWrites, hiddenWrites, type HiddenWrites } from './hidden-writes.js';
import { advanceCost } from './layer-cost.js';
import { correctionOf, predictedBy, type Measurement } from './learned.js';
import { secondsOf, type Machine } from './machine.js';
import type { ModelSize } from '../../science/cost/model-size.js';
import { stepsOfSubBlock, type PlannedShards } from './shards.js';
import { stageSteps, type StageSteps } from './stages.js';
import { kinds, type Step } from './step.js';
import { zeroShotSteps } from './zero-shot.js';

/** Predicted cost of a stage. */
export interface PlannedStage {
  type: StageSteps['type'];
  what: string;
  /** Number of activities. */
  units: number;
  seconds: number;
  /** Peak memory of the compute process, in bytes. */
  host: number;
  /** Peak memory of the engine's tensors, in bytes: on the GPU if the engine uses one, otherwise part of `host`. */
  tensors: number;
  /** Bytes that the stage leaves on disk, and the peak on disk of the run so far. */
  disk: { kept: number; peak: number };
  /** Hidden states that are stored so that a crash costs at most `durability.maxLoss`. */
  hiddenWrites: HiddenWrites;
  /** Number of finished units used to correct the estimates. */
  learnedFrom: number;
  /** Absent if the calibration is not divided. */
  shards?: PlannedShards;
}

export interface Plan {
  stages: PlannedStage[];
  /** The sum of the seconds, and the maximum of everything else. */
  total: { seconds: number; host: number; tensors: number; disk: number };
  /** Seconds of forwards that a crash may cost. */
  maxLoss: number;
  /** Events in the run's histories on the server. */
  events: Events;
}

/** Seconds that an activity takes in addition to its work. */
const activitySeconds = 0.1;

/** Predicted peaks of one unit, without corrections. */
export function unitMemory({ memory: { host, tensors } }: Cost, { engine, baseline }: Machine): { host: number; tensors: number } {
  return { host: baseline + host + (isGpu(engine) ? 0 : tensors), tensors };
}

export interface PlanRequest {
  pipeline: Pipeline;
  size: ModelSize;
  /** Number of sequences that go through a layer together. */
  perBatch: number;
  machine: Machine;
  /** Measurements of earlier runs. */
  measurements: readonly Measurement[];
}

/** Predicts memory, disk and time of a pipeline, stage by stage. A run that reuses finished work takes less. */
export function makePlan({ pipeline, size, perBatch, machine, measurements }: PlanRequest): Plan {
  let kept = 0;
  const maxLoss = maxLossOf(pipeline);
  const learned = predictedBy(machine, measurements);
  const stages = stageSteps(pipeline, size, perBatch).map((stage): PlannedStage => {
    const steps = stage.steps.map((step) => planStep(step, machine, learned));
    const work = steps.reduce((total, { seconds }) => total + seconds, 0);
    const units = stage.hidden.reduce((total, { layers, times }) => total + layers * times, 0);
    const writes = addWrites(stage.hidden.map((pass) => {
      const forward = planStep({ kind: kinds.advance, count: 1, cost: advanceCost(size, pass.windows) }, machine, learned).seconds - activitySeconds;
      // A unit of work runs its layer at least once.
      return hiddenWrites(pass, { bytes: hiddenBytes(size, pass.windows), forward: Math.min(forward, work / units), write: machine.speeds.write }, maxLoss);
    }));
    const most = (values: readonly number[]): number => Math.max(machine.baseline, ...values);
    kept += stage.disk.kept;
    return {
      type: stage.type,
      what: stage.what,
      units: stage.steps.reduce((total, { count }) => total + count, 0),
      // Writing runs alongside the work, unless every layer waits for it or it takes longer than the work.
      seconds: work + (maxLoss === 0 ? writes.seconds : Math.max(0, writes.seconds - work)),
      host: most(steps.map(({ host }) => host)) + (isGpu(machine.engine) ? 0 : writes.held),
      tensors: Math.max(0, ...steps.map(({ tensors }) => tensors)) + writes.held,
      disk: { kept: stage.disk.kept, peak: kept + stage.disk.temporary + writes.peak },
      hiddenWrites: writes,
      learnedFrom: steps.reduce((total, { learnedFrom }) => total + learnedFrom, 0),
      ...(stage.shards && { shards: stage.shards }),
    };
  });
  return {
    stages,
    total: {
      seconds: stages.reduce((total, { seconds }) => total + seconds, 0),
      host: Math.max(machine.baseline, ...stages.map(({ host }) => host)),
      tensors: Math.max(0, ...stages.map(({ tensors }) => tensors)),
      disk: Math.max(0, ...stages.map(({ disk }) => disk.peak)),
    },
    maxLoss,
    events: eventsOf(pipeline, { layers: size.layers, blocks: size.layer.subBlocks.length }, (stage) => (stage.type === 'evaluation' ? zeroShotSteps(stage, size).groups : 0), (stage) => stepsOfSubBlock(stage, size)?.steps ?? 1),
  };
}

/**
 * Returns the planned seconds of each stage of the pipeline, and its peak bytes of the compute process. Outputs and proofs, which a plan
 * lists as separate stages, belong to the stage before them.
 */
export function plannedByStage({ stages }: Pick<Plan, 'stages'>, { stages: asked }: Pick<Pipeline, 'stages'>): { seconds: number[]; bytes: number[] } {
  const [seconds, bytes]: [number[], number[]] = [[], []];
  for (const stage of stages) {
    const last = seconds.length - 1;
    if (asked[seconds.length]?.type === stage.type) {
      seconds.push(stage.seconds);
      bytes.push(stage.host);
    } else if (last >= 0) {
      seconds[last] += stage.seconds;
      bytes[last] = Math.max(bytes[last], stage.host);
    }
  }
  return { seconds, bytes };
}

function planStep({ kind, count, cost }: Step, machine: Machine, measurements: readonly Measurement[]): { seconds: number; host: number; tensors: number; learnedFrom: number } {
  const known = { kind, engine: engineText(machine.engine), machine: machine.origin };
  const seconds = secondsOf(cost.work, machine);
  const { host, tensors } = unitMemory(cost, machine);
  const time = correctionOf(measurements, { ...known, amount: 'seconds', value: seconds });
  const bytes = correctionOf(measurements, { ...known, amount: 'bytes', value: host });
  return {
    seconds: count * (seconds * time.factor + activitySeconds),
    host: host * bytes.factor,
    tensors,
    learnedFrom: Math.max(time.from, bytes.from),
  };
}
