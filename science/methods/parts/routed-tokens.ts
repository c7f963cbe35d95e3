/** Tokens of experts: how many there are. */
import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { SubBlock } from '../../models/types.js';
import { linearsOf } from '../../models/linears.js';

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

  /** Tokens of the expert that a linear belongs to; undefined if it belongs to none. */
  of(linear: string): number | undefined {
    return this.byLinear().get(linear);
  }

  /** Tokens of the linears whose expert has too few, by weight name. */
  few(): Map<string, number> {
    return new Map([...this.byLinear()].filter(([, count]) => count < this.minTokens));
  }

  private byLinear(): Map<string, number> {
    return new Map([...this.tokens].flatMap(([subBlock, count]) => linearsOf(subBlock).map(({ name }): [string, number] => [name, count])));
  }
}
