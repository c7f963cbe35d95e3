/** The models that quality is measured on, with their texts. A new one is a line here. */
import { join } from 'node:path';
import type { Calibration, Evaluation } from './cell.js';

export interface ModelPlan {
  folder: string;
  calibration: Calibration;
  evaluations: Evaluation[];
}

/** Options of the command line that replace a model's own values. */
export interface PlanRequest {
  /** The shared data. */
  data: string;
  /** Folder of SmolLM2-135M. */
  smol?: string;
  samples?: number;
  length?: number;
  sampling?: Calibration['sampling'];
  seed: number;
  evaluationWindows?: number;
}

/** Small models of the shared data, with the text that each was trained on, and half of its positions as the window length. */
const small: Readonly<Record<string, { text: string; length: number }>> = {
  'stories260K': { text: 'tiny.utf8', length: 256 },
  'babyllama-tok105': { text: 'tiny.utf8', length: 128 },
  'tiny-opt': { text: 'wiki.utf8', length: 128 },
};

export const smolName = 'SmolLM2-135M';

export const modelNames: readonly string[] = [...Object.keys(small), smolName];

/** Share of a text that calibration may use. The rest is only scored. */
const calibrationShare = 0.9;

/** Tokens that are never scored, so that small models with the same text are judged on nearly the same part of it. */
const smallSkip = 4096;

/** @throws Error if the model is unknown, or its folder was not given */
export function planOf(model: string, request: PlanRequest): ModelPlan {
  return model === smolName ? smolPlan(request) : smallPlan(model, request);
}

/** By default the first 16 windows calibrate, and 256 later ones are scored, as in the papers. */
function smallPlan(model: string, { data, samples = 16, length, sampling = 'sequential', seed, evaluationWindows = 256 }: PlanRequest): ModelPlan {
  if (!Object.hasOwn(small, model)) throw new Error(`model ${model}: expected one of ${modelNames.join(', ')}`);
  const { text, length: own } = small[model];
  const time = length ?? own;
  const calibration = calibrationOf({ text, samples, length: time, sampling, seed });
  const skip = sampling === 'random' ? { share: calibrationShare } : Math.max(smallSkip, samples * time);
  return { folder: join(data, 'models', model), calibration, evaluations: [{ name: 'held-out', text, skip, windows: evaluationWindows, length: time }] };
}

/** Calibration uses random windows of C4. WikiText-2 and the end of C4 are scored. */
function smolPlan({ smol, samples = 64, length = 512, sampling = 'random', seed, evaluationWindows = 64 }: PlanRequest): ModelPlan {
  if (smol === undefined) throw new Error(`model ${smolName}: give its folder with --smol DIR (shared/reference/README.md says how to get it)`);
  const calibration = calibrationOf({ text: 'c4.utf8', samples, length, sampling, seed });
  const windows = { windows: evaluationWindows, length };
  return {
    folder: smol,
    calibration,
    evaluations: [
      { name: 'wikitext2', text: 'wikitext2-raw.test.txt', skip: 0, ...windows },
      { name: 'c4', text: 'c4.utf8', skip: { share: calibrationShare }, ...windows },
    ],
  };
}

/** Sequential windows are the same for every seed. */
function calibrationOf({ sampling, seed, ...rest }: Calibration): Calibration {
  return { ...rest, sampling, seed: sampling === 'random' ? seed : 0 };
}

/** Returns how many tokens of a text calibration may use. With sequential windows it is all, because the scored windows come after them. */
export function calibrationTokens(tokens: number, { sampling }: Calibration): number {
  return sampling === 'random' ? skippedTokens(tokens, { share: calibrationShare }) : tokens;
}

/** Returns how many tokens at the start of a text are not scored. */
export function skippedTokens(tokens: number, skip: Evaluation['skip']): number {
  return typeof skip === 'number' ? skip : Math.floor(tokens * skip.share);
}
