/** Counts the tokens of experts. */
import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { SubBlock } from '../../models/types.js';
import { linearsOf } from '../../models/linears.js';

/** Counts the tokens that a sub-block reads in x `[batch, time, hidden]`, the result of `enter`. An expert reads those routed to it, not padding. */
export function tokensIn({ expert }: SubBlock, x: Tensor3D): number {
  const [batch, time] = x.shape;
  if (expert === undefined) return batch * time;
  // Padding is zero in all features. A normalised token is not.
  return tf.tidy(() => x.abs().max(-1).greater(0).cast('int32').sum().dataSync()[0]);
}

/** Counts the tokens of each expert of a layer in one forward, and tells which experts have too few. */
export class TokenCounts {
  private readonly tokens = new Map<SubBlock, number>();

  /** @param minTokens with fewer tokens, the statistics of a linear are not used */
  constructor(private readonly minTokens = 0) {}

  /** Fits `onSubBlock` of `layerForward`. */
  readonly add = (subBlock: SubBlock, x: Tensor3D): void => {
    if (subBlock.expert !== undefined) this.tokens.set(subBlock, (this.tokens.get(subBlock) ?? 0) + tokensIn(subBlock, x));
  };

  /** Returns the tokens of the expert that a linear belongs to; undefined if it belongs to none. */
  of(linear: string): number | undefined {
    return this.byLinear().get(linear);
  }

  /** Returns, by weight name, the tokens of the linears whose expert has too few. */
  few(): Map<string, number> {
    return new Map([...this.byLinear()].filter(([, count]) => count < this.minTokens));
  }

  private byLinear(): Map<string, number> {
    return new Map([...this.tokens].flatMap(([subBlock, count]) => linearsOf(subBlock).map(({ name }): [string, number] => [name, count])));
  }
}
