import { addWork, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
import * as layers from './layer-cost.js';

/** A unit of work that a stage does once, or once for each layer. */
export interface Step {
  /** The key by which estimates are learned, for example `rebuild guarded`. */
  kind: string;
  count: number;
  cost: Cost;
}

/** The keys by which estimates are learned. */
export const kinds = {
  sample: 'sample',
  initialMask: (method: string): string => `initialMask ${method}`,
  rebuild: (strategy: string): string => `rebuild ${strategy}`,
  gather: (method: string): string => `sums ${method}`,
  choose: (method: string): string => `masks from sums ${method}`,
  finish: (method: string): string => `errors ${method}`,
  scoring: (method: string): string => `allocation ${method}`,
  advance: 'layer forward',
  score: 'perplexity',
  questions: 'zero-shot layer forward',
  likelihoods: 'zero-shot likelihoods',
  outputs: 'outputs',
  proof: 'proof',
} as const;

/** Estimates the tokens of a text: a tokenizer of 32,000 words has 3.7 bytes per token, one of 512 words 2.2. */
export function tokensOf(bytes: number, vocabulary: number): number {
  return Math.ceil(bytes / Math.min(4, Math.max(1, Math.log2(vocabulary) / 4)));
}

/** Cost of tokenising a text: its words become JavaScript objects. */
export function sampleCost(bytes: number): Cost {
  return { memory: { tensors: 0, host: 40 * bytes }, work: addWork([bytes, { hostFlops: 1000 }]) };
}

/** Cost of the first layer's inputs, computed while the layer's weights are in memory already. */
export function embedStep(size: ModelSize, windows: Windows, count = 1): Step {
  const { tensors, host } = layers.embedMemory(size, windows);
  const memory = { tensors: tensors + 4 * size.layer.parameters, host: host + size.bytesPerWeight * size.layer.parameters };
  return { kind: 'embedding', count, cost: { memory, work: addWork([1, { readBytes: size.bytesPerWeight * size.embedding, movedBytes: 8 * size.embedding }]) } };
}
