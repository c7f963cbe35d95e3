import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Answers, Machine } from './answers.js';

/** The amount of calibration text, and the effort of the rebuild. */
export interface Recipe {
  samples: number;
  sequenceLength: number;
  /** Absent for the default strategy. */
  effort?: number;
  /** Maximum number of windows to score; all if absent. */
  maxWindows?: number;
}

const recipes: Record<Machine, Recipe> = {
  laptop: { samples: 32, sequenceLength: 512, maxWindows: 64 },
  workstation: { samples: 128, sequenceLength: 1024, effort: 3 },
  gpu: { samples: 128, sequenceLength: 2048, effort: 10 },
};

/** Approximate bytes of text per token. */
const bytesPerToken = 4;
const minWindows = 16;
const minLength = 32;

/**
 * Returns a recipe that suits the machine, with windows no longer than the model reads, and with half of a file's text left for the
 * evaluation.
 */
export function recipeFor({ model, text, machine }: Answers): Recipe {
  const recipe = recipes[machine];
  let sequenceLength = Math.min(recipe.sequenceLength, 'folder' in model ? longest(model.folder) : Infinity);
  if (!('file' in text)) return { ...recipe, sequenceLength };
  const tokens = statSync(text.file).size / bytesPerToken / 2;
  while (tokens < minWindows * sequenceLength && sequenceLength > minLength) sequenceLength = Math.max(minLength, sequenceLength / 2);
  return { ...recipe, sequenceLength, samples: Math.max(1, Math.min(recipe.samples, Math.floor(tokens / sequenceLength))) };
}

/** The longest window for which a model has positions, if its config says so. */
function longest(folder: string): number {
  try {
    const { max_position_embeddings: positions } = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as { max_position_embeddings?: unknown };
    return typeof positions === 'number' && positions >= minLength ? positions : Infinity;
  } catch {
    return Infinity;
  }
}
