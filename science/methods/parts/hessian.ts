import { tf } from '../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
import { PruningInputError } from './errors.js';

/** The sum over tokens of one input, and the linears that read it. */
interface SharedSum {
  inputs: number;
  /** `[in, in]` */
  products: Float64Array;
}

/**
 * `H = sum over tokens of x x^T` for the input x of every linear, for SparseGPT. One product `X^T X` a sequence in the engine;
 * sequences add up here in float64: float32 over a whole batch moves near ties, and each moved one moves others after it.
 * Linears that read the same tensor (q, k, v; gate, up) share one sum and one product.
 *
 * The paper's H has a factor 2, its code also 1 / sequences. Both drop out: damping is relative to the mean diagonal, and
 * scores and updates do not change when H is scaled.
 */
export class HessianSum {
  private readonly sums = new Map<string, SharedSum>();
  /** The tensor that was added last, and who has asked for it. */
  private last?: { x: Tensor3D; sum: SharedSum; readers: Set<string> };

  /** Adds the input `[batch, time, in]` of one linear; fits `onInput` of `layerForward`. */
  readonly add = (linear: LinearSpec, x: Tensor3D): void => {
    // The same tensor from the same linear again is a new batch.
    if (this.last?.x === x && !this.last.readers.has(linear.name)) {
      this.last.readers.add(linear.name);
      this.sums.set(linear.name, this.last.sum);
      return;
    }
    const inputs = linear.shape[1];
    const sum = this.sums.get(linear.name) ?? { inputs, products: new Float64Array(inputs * inputs) };
    this.sums.set(linear.name, sum);
    this.last = { x, sum, readers: new Set([linear.name]) };
    addProducts(x, sum);
  };

  /**
   * H over everything added, `[in, in]`, row-major; the same array for linears that share their input.
   *
   * @throws PruningInputError if nothing was added for that linear.
   */
  of(linear: string): Float64Array {
    const sum = this.sums.get(linear);
    if (sum === undefined) {
      throw new PruningInputError({ where: linear, what: 'no input of this linear was seen', expected: 'a forward pass before' });
    }
    return sum.products;
  }
}

function addProducts(x: Tensor3D, { inputs, products }: SharedSum): void {
  const [batch, time] = x.shape;
  for (let sequence = 0; sequence < batch; sequence++) {
    const product = tf.tidy(() => {
      const rows = x.slice([sequence, 0, 0], [1, time, inputs]).reshape<Tensor2D>([time, inputs]);
      return tf.matMul(rows, rows, true, false);
    });
    const values = product.dataSync<'float32'>();
    product.dispose();
    for (let i = 0; i < products.length; i++) products[i] += values[i];
  }
}
