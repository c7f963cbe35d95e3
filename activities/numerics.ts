import type { Json } from '../files/artifacts/index.js';
import type { RunContext } from './types.js';

/**
 * Version of the numerics of every stage but those of a method, which says its own (science/methods/). Raise a number when a change of the code can change that stage's bits,
 * so that artifacts of the former code are not taken for those of the new one.
 */
export const numericsVersion = { tokens: 2, forward: 3, perplexity: 1, questions: 2, likelihoods: 1 };

/** What can change the bits of tensor work and is fixed at the start of a run: engine, threads, batches, our own forward pass. */
export function numericsOf(context: RunContext): { [key: string]: Json } {
  return { engine: { ...context.engine }, sequencesPerBatch: context.sequencesPerBatch, forward: numericsVersion.forward };
}
