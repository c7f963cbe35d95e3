import type { Carried } from './continuation.js';
import type { PartialResults } from './protocol.js';
import type { RebuildPart, RunState } from './run-state.js';

/** Returns the results of a run so far, kept small because they are part of an answer to a query. */
export function partialResults({ context, state }: Partial<Pick<Carried, 'context' | 'state'>>): PartialResults {
  return {
    ...(context && { about: { model: context.model, engine: context.engine, pattern: context.pattern, sparsity: context.sparsity } }),
    perplexity: state?.perplexity ?? {},
    zeroShot: state?.zeroShot ?? {},
    rebuild: state === undefined ? [] : entriesOf(state).map(({ layer, block, expert, errorBefore, errorAfter, grown, pruned }) => ({ layer, block, ...(expert !== undefined && { expert }), errorBefore, errorAfter, grown, pruned })),
  };
}

/** The entries of the rebuild that is running, or else of the last one. */
function entriesOf({ part, rebuild }: RunState): RebuildPart['entries'] {
  return part !== undefined && 'entries' in part ? part.entries : rebuild.layers;
}
