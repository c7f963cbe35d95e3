import type { Pipeline } from '../config/pipeline.js';

/** What a run is found by, in `list` and in Temporal's own pages. */
export interface RunLabels {
  /** The model folder's name, or the repository id. */
  model: string;
  /** Share of zeros asked for; absent where a mask file decides, or nothing is pruned. */
  sparsity?: number;
  pattern?: string;
  /** How the masks are made, in order: `wanda`, `owl`, `guarded`, ... */
  methods: string[];
}

/** Labels of a pipeline's runs. */
export function labelsOf({ model, stages }: Pick<Pipeline, 'model' | 'stages'>): RunLabels {
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
  };
}

/** Workflow code cannot ask the machine for its kind of paths. */
const isAbsolute = (path: string): boolean => /^([A-Za-z]:)?[\\/]/.test(path);
