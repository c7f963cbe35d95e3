import type { Tensor3D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
import { TokenSums, type SummedBy } from './token-sums.js';

/** What linears read that read the same tensor (q, k, v; gate, up; or one linear by itself). */
export interface SharedInput {
  /** In the order in which they run. */
  linears: LinearSpec[];
  /** The caller's to dispose when the group is done with; {@link InputMoments.dispose} does so, too. */
  sums: TokenSums;
}

/**
 * `sum over tokens of x x^T` for the input x of every linear of a layer: one sum for all linears that read the same tensor. (SparseGPT's
 * paper has a factor 2 in its H, its code also 1 / sequences. Both drop out: damping is relative to the mean diagonal, and scores and
 * updates do not change when H is scaled.)
 */
export class InputMoments {
  readonly inputs: SharedInput[] = [];
  /** The tensor that was added last, and who has asked for it. */
  private last?: { x: Tensor3D; input: SharedInput; readers: Set<string> };

  /** @param by of each linear, what one product goes over */
  constructor(private readonly by: (linear: LinearSpec) => SummedBy = () => 'batch') {}

  /** Adds the input `[batch, time, in]` of one linear; fits `onInput` of `layerForward`. */
  readonly add = (linear: LinearSpec, x: Tensor3D): void => {
    // The same tensor from the same linear again is a new batch.
    if (this.last?.x === x && !this.last.readers.has(linear.name)) {
      const { input, readers } = this.last;
      readers.add(linear.name);
      if (!input.linears.some(({ name }) => name === linear.name)) input.linears.push(linear);
      return;
    }
    const input = this.inputOf(linear);
    this.last = { x, input, readers: new Set([linear.name]) };
    input.sums.add(x);
  };

  dispose(): void {
    for (const { sums } of this.inputs) sums.dispose();
  }

  private inputOf(linear: LinearSpec): SharedInput {
    const known = this.inputs.find(({ linears }) => linears.some(({ name }) => name === linear.name));
    if (known !== undefined) return known;
    const input = { linears: [linear], sums: new TokenSums(this.by(linear)) };
    this.inputs.push(input);
    return input;
  }
}
