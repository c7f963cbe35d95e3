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

/** The properties by which runs can be found, in `list` and on Temporal's own pages. */
export interface RunLabels {
  /** The model folder's name, or the repository id. */
  model: string;
  /** Target share of zeros; absent if a mask file decides it, or nothing is pruned. */
  sparsity?: number;
  pattern?: string;
  /** The methods that make the masks, in order: `wanda`, `owl`, `guarded`, ... */
  methods: string[];
  /** The outcome of the quality gates, if there are any; `pending` until the run has completed. */
  gate?: 'pending' | 'passed' | 'failed';
}

/** Key of the gate label in a run's memo. */
export const gateMemo = 'gate' satisfies keyof RunLabels;

/** Returns the labels of a pipeline's runs. */
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

/** Workflow code cannot ask which kind of paths the machine uses, so both kinds count. */
const isAbsolute = (path: string): boolean => /^([A-Za-z]:)?[\\/]/.test(path);

/** Returns labels as search attributes. A server refuses attributes that are not registered. */
export function searchAttributesOf({ model, sparsity, pattern, methods, gate }: RunLabels): SearchAttributePair[] {
  return [
    { key: labelKeys.model, value: model },
    ...(sparsity === undefined ? [] : [{ key: labelKeys.sparsity, value: sparsity }]),
    ...(pattern === undefined ? [] : [{ key: labelKeys.pattern, value: pattern }]),
    { key: labelKeys.methods, value: methods },
    ...(gate === undefined ? [] : [{ key: labelKeys.gate, value: gate }]),
  ];
}
