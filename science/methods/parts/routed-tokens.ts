/** Tokens of experts: how many there are, and what stands for statistics where they are too few. */
import { eye, tf } from '../../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import type { LinearSpec, SubBlock } from '../../models/types.js';
import { linearsOf } from '../../models/linears.js';
import type { Moments } from './masked-least-squares.js';

/** How many tokens a sub-block reads in x `[batch, time, hidden]`, what `enter` gave: of an expert those routed to it, without what fills up. */
export function tokensIn({ expert }: SubBlock, x: Tensor3D): number {
  const [batch, time] = x.shape;
  if (expert === undefined) return batch * time;
  // A token's norm is not zero in all features.
  return tf.tidy(() => x.abs().max(-1).greater(0).cast('int32').sum().dataSync()[0]);
}

/** Counts the tokens of each expert of a layer in one forward, and says which are too few. */
export class TokenCounts {
  private readonly tokens = new Map<SubBlock, number>();

  /** @param minTokens with fewer, a linear's statistics are not used */
  constructor(private readonly minTokens = 0) {}

  /** Fits `onSubBlock` of `layerForward`. */
  readonly add = (subBlock: SubBlock, x: Tensor3D): void => {
    if (subBlock.expert !== undefined) this.tokens.set(subBlock, (this.tokens.get(subBlock) ?? 0) + tokensIn(subBlock, x));
  };

  /** Tokens of the linears whose expert has too few, by weight name. */
  few(): Map<string, number> {
    const own = ([subBlock, count]: [SubBlock, number]): [string, number][] => linearsOf(subBlock).map(({ name }) => [name, count]);
    return new Map([...this.tokens].filter(([, count]) => count < this.minTokens).flatMap(own));
  }
}

/** What stands for the sums of inputs where too few tokens were seen: inputs of one size that have nothing to do with each other. The caller's to dispose. */
export function plainMoments({ shape: [, inputs] }: Pick<LinearSpec, 'shape'>): Moments {
  return { products: eye(inputs), squares: tf.ones<Tensor1D['rankType']>([inputs]) } satisfies { products: Tensor2D; squares: Tensor1D };
}
