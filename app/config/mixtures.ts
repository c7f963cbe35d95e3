import { readFileSync } from 'node:fs';
import type { Pipeline } from './pipeline.js';
import { pointerOf } from './places.js';
import type { ValueProblem } from './schema-problems.js';
import { schemaAt } from './schema.js';

const defaultMinTokens = schemaAt(['experts', 'minTokens']).default as number;

/** With fewer calibration tokens, an expert is pruned by magnitude and not rebuilt, and has no scores of its own. */
export function minTokensOf({ experts }: Pick<Pipeline, 'experts'>): number {
  return experts?.minTokens ?? defaultMinTokens;
}

/**
 * Whether a `config.json` is that of a mixture of experts, as far as its keys tell. Only the model's family knows; this is for checks that
 * must not load it.
 */
export function looksLikeMixture(file: string): boolean {
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof config === 'object' && config !== null && 'num_experts_per_tok' in config && config.num_experts_per_tok !== null;
  } catch {
    // Whoever reads the model says what is wrong with it.
    return false;
  }
}

/** A setting that the model does not allow, and where it is in the pipeline. */
export interface MixtureProblem {
  path: (string | number)[];
  part: 'key' | 'value';
  what: string;
  expected: string;
  remedy: string;
}

type Checked = Pick<Pipeline, 'experts' | 'stages'>;

/** The settings of a pipeline that its model does not allow: `experts` for a model without experts, `shards` for one with experts. */
export function mixtureProblems({ experts, stages }: Checked, isMixture: boolean): MixtureProblem[] {
  if (isMixture) return shardedStages(stages);
  if (experts === undefined) return [];
  return [{ path: ['experts'], part: 'key', what: '`experts` for a model that has no experts', expected: 'it with mixtures of experts only', remedy: 'Remove it.' }];
}

/** How many tokens an expert gets is known for all windows together only. */
function shardedStages(stages: Pipeline['stages']): MixtureProblem[] {
  return stages.flatMap((stage, index) =>
    stage.type !== 'calibration' || stage.shards === undefined ? [] : [{ path: ['stages', index, 'calibration', 'shards'], part: 'value' as const, what: `${stage.shards} shards for a mixture of experts`, expected: '1', remedy: 'Remove `shards`.' }]);
}

/** The same for messages on a pipeline's file. */
export function mixtureValueProblems(pipeline: Checked, isMixture: boolean): ValueProblem[] {
  return mixtureProblems(pipeline, isMixture).map(({ path, part, what, expected, remedy }) => ({ pointer: pointerOf(path), part, message: `${what}; expected ${expected}. ${remedy}` }));
}
