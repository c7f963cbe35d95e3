import type { Pipeline } from '../config/pipeline.js';
import type { Engine } from '../../science/engine/index.js';
import { admissionVariable } from './admission-variable.js';
import { sequencesPerBatch } from './batches.js';
import { bytesText } from '../../errors/bytes-text.js';
import { freeCapacity, type Capacity } from './capacity.js';
import { AdmissionRefusedError } from './errors.js';
import { readMeasurements } from './learned.js';
import { assumedMachine, knownMachine } from './machine.js';
import type { ModelSize } from '../../science/cost/model-size.js';
import { makePlan, type Plan, type PlannedStage } from './plan.js';

/** A resource that a run needs more of than is free. */
export interface Shortage {
  of: 'memory' | 'GPU memory' | 'WebAssembly memory' | 'disk';
  /** The stage that needs most of it. */
  stage: string;
  /** In bytes. */
  needed: number;
  free: number;
}

/** Returns the needs of a plan that do not fit into what is free. */
export function shortages({ stages, total }: Plan, free: Capacity): Shortage[] {
  const check = (of: Shortage['of'], needed: number, has: number, amountOf: (stage: PlannedStage) => number): Shortage[] => {
    if (needed <= has) return [];
    const stage = stages.find((one) => amountOf(one) === needed);
    return [{ of, stage: stage === undefined ? '' : `${stage.type} (${stage.what})`, needed, free: has }];
  };
  return [
    ...check('memory', total.host, free.host, ({ host }) => host),
    ...(free.tensors === undefined ? [] : check(free.tensors.of, total.tensors, free.tensors.bytes, ({ tensors }) => tensors)),
    ...check('disk', total.disk, free.disk, ({ disk }) => disk.peak),
  ];
}

/** What to do about a shortage. */
const remedies: Record<Shortage['of'], string> = {
  memory: 'stop other programs that use memory, use a machine with more memory, or lower calibration.samples, calibration.sequenceLength or evaluation.perplexity.maxWindows',
  'GPU memory': 'stop other programs that use the GPU, use a GPU with more memory, or lower calibration.samples, calibration.sequenceLength or evaluation.perplexity.maxWindows',
  'WebAssembly memory': 'use the tensorflow engine (`temporal-pipeline doctor` says what is missing), or lower calibration.samples, calibration.sequenceLength or evaluation.perplexity.maxWindows',
  disk: 'free some disk space, or put the state folder (--state) on a larger disk',
};

/** Describes a shortage in one sentence. */
export function describeShortage({ of, stage, needed, free }: Shortage): string {
  return `${stage} needs ${bytesText(needed)} of ${of}, but only ${bytesText(free)} is free`;
}

export interface AdmissionRequest {
  pipeline: Pipeline;
  size: ModelSize;
  engine: Engine;
  /** The state folder, where artifacts and outputs are written. */
  state: string;
  /** What is free; measured if absent. */
  free?: Capacity;
}

/**
 * Lets a run start only if its predicted peaks fit into what is free now.
 * @returns the plan
 * @throws AdmissionRefusedError with the numbers, unless `LLM_BARBER_ADMISSION` is `off`
 */
export async function admit({ pipeline, size, engine, state, free }: AdmissionRequest): Promise<Plan> {
  const machine = (await knownMachine(state, { backend: engine.backend, precision: engine.precision })) ?? assumedMachine(engine);
  const perBatch = sequencesPerBatch(pipeline, { attentionHeads: size.heads, hiddenSize: size.hidden, intermediateSize: size.intermediate });
  const plan = makePlan({ pipeline, size, perBatch, machine: { ...machine, engine }, measurements: await readMeasurements(state) });
  if (process.env[admissionVariable] === 'off') return plan;
  const missing = shortages(plan, free ?? freeCapacity(state, engine, process.memoryUsage.rss()));
  if (missing.length === 0) return plan;
  throw new AdmissionRefusedError({
    where: pipeline.name,
    what: `it does not fit on this machine: ${missing.map(describeShortage).join('; ')}`,
    remedy: `To change that, ${missing.map(({ of }) => remedies[of]).join('; ')}; \`temporal-pipeline plan\` shows every stage; \`--no-admission\` (${admissionVariable}=off) starts it anyway`,
  });
}
