import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { Pipeline } from '../app/config/pipeline.js';

/** The labels as Temporal's search attributes. */
export const labelKeys = {
  model: defineSearchAttributeKey('PruningModel', 'KEYWORD'),
  sparsity: defineSearchAttributeKey('PruningSparsity', 'DOUBLE'),
  pattern: defineSearchAttributeKey('PruningPattern', 'KEYWORD'),
  methods: defineSearchAttributeKey('PruningMethods', 'KEYWORD_LIST'),
  gate: defineSearchAttributeKey('PruningGate', 'KEYWORD'),
} as const;

/** What a run is found by, in `list` and in Temporal's own pages. */
export interface RunLabels {
  /** The model folder's name, or the repository id. */
  model: string;
  /** Share of zeros asked for; absent if a mask file decides, or nothing is pruned. */
  sparsity?: number;
  pattern?: string;
  /** How the masks are made, in order: `wanda`, `owl`, `guarded`, ... */
  methods: string[];
  /** What became of the quality gates, if there are any; `pending` until the run has ended well. */
  gate?: 'pending' | 'passed' | 'failed';
}

/** Key of the label in a run's memo. */
export const gateMemo = 'gate' satisfies keyof RunLabels;

/** Labels of a pipeline's runs. */
export function labelsOf({ model, stages, gates = [] }: Pick<Pipeline, 'model' | 'stages' | 'gates'>): RunLabels {
  const start = stages.find((stage) => stage.type === 'initialMask');
  const methods = stages.flatMap((stage) => {
    if (stage.type === 'initialMask') return [stage.method, ...(stage.allocation === undefined ? [] : [stage.allocation.method])];
    return stage.type === 'rebuild' ? [stage.strategy] : [];
  });
  return {
    model: isAbsolute(model.source) ? (model.source.split(/[\\/]/).findLast((part) => part !== '') ?? model.source) : model.source,
    ...(start?.sparsity === undefined ? {} : { sparsity: start.sparsity }),
    ...(start?.pattern === undefined ? {} : { pattern: start.pattern }),
    methods: [...new Set(methods)],
    ...(gates.length === 0 ? {} : { gate: 'pending' }),
  };
}

/** Workflow code cannot ask the machine for its kind of paths. */
const isAbsolute = (path: string): boolean => /^([A-Za-z]:)?[\\/]/.test(path);

/** Labels as search attributes. A server refuses those that it does not know. */
export function searchAttributesOf({ model, sparsity, pattern, methods, gate }: RunLabels): SearchAttributePair[] {
  return [
    { key: labelKeys.model, value: model },
    ...(sparsity === undefined ? [] : [{ key: labelKeys.sparsity, value: sparsity }]),
    ...(pattern === undefined ? [] : [{ key: labelKeys.pattern, value: pattern }]),
    { key: labelKeys.methods, value: methods },
    ...(gate === undefined ? [] : [{ key: labelKeys.gate, value: gate }]),
  ];
}
