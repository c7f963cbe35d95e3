import { gapClosed } from '../../report/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';

/** A number from a result, with a name such as `perplexity/rebuilt/c4`. */
export interface NamedNumber {
  name: string;
  value: number;
  /** The decoder layer, for numbers that exist per layer. */
  layer?: number;
}

/** Returns all numbers of a result that other tools may compare. */
export function numbersOf(result: PipelineResult): NamedNumber[] {
  const { perplexity, zeroShot = {}, sparsity, seconds, rebuild, gates, spent } = result;
  const perplexities = Object.entries(perplexity).flatMap(([state, byText]) => Object.entries(byText).map(([text, value]) => ({ name: `perplexity/${state}/${text}`, value })));
  const gaps = Object.keys(perplexity.dense ?? {}).map((text) => ({ name: `gap_closed/${text}`, value: gapClosed(perplexity.dense?.[text], perplexity.initial?.[text], perplexity.rebuilt?.[text]) }));
  const scores = Object.entries(zeroShot).flatMap(([state, tasks]) =>
    Object.entries(tasks).flatMap(([task, score]) => (['acc', 'acc_stderr', 'acc_norm', 'acc_norm_stderr'] as const).map((metric) => ({ name: `zero_shot/${state}/${task}/${metric}`, value: score[metric] }))));
  const layers = rebuild.layers.flatMap(({ layer, block, errorBefore, errorAfter }) => [
    { name: `rebuild/${block}/error_before`, value: errorBefore, layer }, { name: `rebuild/${block}/error_after`, value: errorAfter, layer },
  ]);
  const all: { name: string; value: number | null | undefined; layer?: number }[] = [
    ...perplexities, ...gaps, ...scores, ...layers,
    { name: 'sparsity/target', value: sparsity.target }, { name: 'sparsity/actual', value: sparsity.actual },
    { name: 'rebuild/grown', value: rebuild.grown }, { name: 'rebuild/pruned', value: rebuild.pruned },
    ...Object.entries(seconds).map(([stage, value]) => ({ name: `seconds/${stage}`, value })),
    { name: 'seconds/spent', value: spent },
    ...(gates === undefined ? [] : [{ name: 'gates/passed', value: gates.filter(({ passed }) => passed).length }, { name: 'gates/failed', value: gates.filter(({ passed }) => !passed).length }]),
  ];
  return all.filter((one): one is NamedNumber => typeof one.value === 'number' && Number.isFinite(one.value));
}
