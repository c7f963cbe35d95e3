import type { DecoderLayer, LinearSpec, SubBlock } from './types.js';

/** The prunable linears of a decoder layer or a sub-block, in the order in which they run. */
export function linearsOf(part: Pick<DecoderLayer, 'subBlocks'> | Pick<SubBlock, 'inputs' | 'output'>): LinearSpec[] {
  return 'subBlocks' in part ? part.subBlocks.flatMap(linearsOf) : [...part.inputs, part.output];
}
