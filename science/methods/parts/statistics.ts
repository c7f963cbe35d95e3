import { tf } from '../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
import { PruningInputError } from './errors.js';
import { sumOf, sumsOfLinears, type WindowSums } from './window-sums.js';

const kind = 'squares';

/**
 * The 2-norm of every input of every linear over all calibration tokens, for Wanda. The engine sums each batch over time. Sequences are
 * added here in float64, so that neither many batches nor large activations cost precision.
 */
export class InputNorms {
  /** The last tensor and its sums, which linears that read the same tensor share. */
  private last?: { x: Tensor3D; sums: Float32Array };

  /** @param squares sums of squares of earlier windows */
  constructor(private readonly squares = new Map<string, Float64Array<ArrayBuffer>>()) {}

  /** Restores what {@link sums} returned. */
  static of(sums: WindowSums): InputNorms {
    return new InputNorms(sumsOfLinears(sums, kind));
  }

  /** Returns the sums of squares so far, `[in]` for each linear. */
  sums(): WindowSums {
    return new Map([...this.squares].map(([linear, squares]) => [sumOf(kind, linear), squares]));
  }

  /** Adds the input `[batch, time, in]` of one linear; fits `onInput` of `layerForward`. */
  readonly add = (linear: LinearSpec, x: Tensor3D): void => {
    if (this.last?.x !== x) this.last = { x, sums: squaresBySequence(x) };
    const { sums } = this.last;
    const inputs = linear.shape[1];
    const total = this.squares.get(linear.name) ?? new Float64Array(inputs);
    for (let start = 0; start < sums.length; start += inputs) {
      for (let i = 0; i < inputs; i++) total[i] += sums[start + i];
    }
    this.squares.set(linear.name, total);
  };

  /**
   * Returns `||x_j||_2` over everything added, `[in]`.
   *
   * @throws PruningInputError if nothing was added for this linear.
   */
  norms(linear: string): Float32Array {
    const squares = this.squares.get(linear);
    if (squares === undefined) {
      throw new PruningInputError({ where: linear, what: 'no input of this linear was seen', expected: 'a forward pass before this call' });
    }
    return Float32Array.from(squares, Math.sqrt);
  }
}

/** Sum of squares over time, `[batch, in]`. */
function squaresBySequence(x: Tensor3D): Float32Array {
  const sums = tf.tidy(() => x.square().sum<Tensor2D>(1));
  const values = sums.dataSync<'float32'>();
  sums.dispose();
  return values;
}
