import { readFileSync } from 'node:fs';
import type { Pipeline } from './pipeline.js';
import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import { schemaAt } from './schema.js';

const defaultMinTokens = schemaAt(['experts', 'minTokens']).default as number;

/**
 * The minimum number of calibration tokens of an expert. With fewer, it is pruned by magnitude and not rebuilt, and has no scores of its
 * own.
 */
export function minTokensOf({ experts }: Pick<Pipeline, 'experts'>): number {
  return experts?.minTokens ?? defaultMinTokens;
}

/**
 * Guesses from its keys whether a `config.json` describes a mixture of experts. Only the model's family knows for certain; this is for
 * checks that must not load it.
 */
export function looksLikeMixture(file: string): boolean {
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof config === 'object' && config !== null && 'num_experts_per_tok' in config && config.num_experts_per_tok !== null;
  } catch {
    // The code that reads the model reports what is wrong with it.
    return false;
  }
}

/** A setting that the model does not allow, with its place in the pipeline. */
export interface MixtureProblem {
  path: (string | number)[];
  part: 'key' | 'value';
  what: string;
  expected: string;
  remedy: string;
}

type Checked = Pick<Pipeline, 'experts' | 'stages'>;

/** Returns the settings of a pipeline that its model does not allow: `experts` for a model without experts, `shards` for one with experts. */
export function mixtureProblems({ experts, stages }: Checked, isMixture: boolean): MixtureProblem[] {
  if (isMixture) return shardProblems(stages);
  if (experts === undefined) return [];
  return [{ path: ['experts'], part: 'key', what: '`experts` is set, but the model has no experts', expected: 'it only for mixtures of experts', remedy: 'Remove it.' }];
}

/** The number of tokens of an expert is only known over all windows, so mixtures cannot be sharded. */
function shardProblems(stages: Pipeline['stages']): MixtureProblem[] {
  return stages.flatMap((stage, index) =>
    stage.type !== 'calibration' || stage.shards === undefined ? [] : [{ path: ['stages', index, 'calibration', 'shards'], part: 'value' as const, what: `${stage.shards} shards for a mixture of experts`, expected: '1', remedy: 'Remove `shards`.' }]);
}

/** Returns the same problems as messages about a pipeline's file. */
export function mixtureValueProblems(pipeline: Checked, isMixture: boolean): ValueProblem[] {
  return mixtureProblems(pipeline, isMixture).map(({ path, part, what, expected, remedy }) => ({ pointer: pointerOf(path), part, message: `${what}; expected ${expected}. ${remedy}` }));
}
