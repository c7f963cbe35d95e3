import { readFileSync } from 'node:fs';
import { allocationMethods } from '../../science/methods/allocation/registry.js';
import { rebuildMethods } from '../../science/methods/rebuild/registry.js';
import type { Pipeline, Stage } from './pipeline.js';
import { pointerOf } from './places.js';
import type { ValueProblem } from './schema-problems.js';
import { schemaAt } from './schema.js';

const defaultMinTokens = schemaAt(['experts', 'minTokens']).default as number;

/** With fewer calibration tokens, an expert is pruned by magnitude and not rebuilt. */
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

/** The settings of a pipeline that its model does not allow: methods that do not work on mixtures, or `experts` for a model without experts. */
export function mixtureProblems({ stages, experts }: Pick<Pipeline, 'stages' | 'experts'>, isMixture: boolean): MixtureProblem[] {
  if (isMixture) return stages.flatMap(stageProblems);
  if (experts === undefined) return [];
  return [{ path: ['experts'], part: 'key', what: '`experts` for a model that has no experts', expected: 'it with mixtures of experts only', remedy: 'Remove it.' }];
}

/** The same for messages on a pipeline's file. */
export function mixtureValueProblems(pipeline: Pick<Pipeline, 'stages' | 'experts'>, isMixture: boolean): ValueProblem[] {
  return mixtureProblems(pipeline, isMixture).map(({ path, part, what, expected, remedy }) => ({ pointer: pointerOf(path), part, message: `${what}; expected ${expected}. ${remedy}` }));
}

interface Method {
  notForMixtures?: string;
}

function stageProblems(stage: Stage, index: number): MixtureProblem[] {
  if (stage.type === 'rebuild') return problem(['stages', index, 'rebuild', 'strategy'], stage.strategy, rebuildMethods);
  if (stage.type !== 'initialMask' || stage.allocation === undefined) return [];
  return problem(['stages', index, 'initialMask', 'allocation', 'method'], stage.allocation.method, allocationMethods);
}

function problem(path: (string | number)[], name: string, all: Record<string, Method>): MixtureProblem[] {
  const why = all[name]?.notForMixtures;
  if (why === undefined) return [];
  const able = Object.keys(all).filter((other) => all[other].notForMixtures === undefined).map((other) => `\`${other}\``);
  const what = `\`${String(path.at(-1))}: ${name}\` does not work on mixtures of experts, because ${why}`;
  return [{ path, part: 'value', what, expected: able.join(' or '), remedy: `Write \`${String(path.at(-1))}: ${able[0].slice(1, -1)}\`.` }];
}
