import type { Json } from '../files/artifacts/index.js';
import type { RunContext } from './types.js';

/**
 * Versions of the numerics of every stage, except those of methods, which have their own (science/methods/). Raise a number when a
 * change of the code can change that stage's bits, so that artifacts of the earlier code are not used.
 */
export const numericsVersion = { tokens: 2, shards: 2, forward: 4, perplexity: 1, questions: 2, likelihoods: 1 };

/** Returns what can change the bits of tensor work and is fixed when a run starts: engine, threads, batches, our own forward pass. */
export function numericsOf(context: RunContext): { [key: string]: Json } {
  return { engine: { ...context.engine }, sequencesPerBatch: context.sequencesPerBatch, forward: numericsVersion.forward };
}
