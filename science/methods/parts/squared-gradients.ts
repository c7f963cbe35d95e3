import { keep, tf } from '../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
import type { LinearGradient } from './output-gradients.js';

/** Maximum bytes of the batched gradients of one linear. If they need more, sequences are processed one by one. */
const batchedBytes = 256 * 2 ** 20;

/** For each linear, the sum over sequences of the squared weight gradient, `[out, in]`, added up batch by batch. */
export class SquaredGradients {
  private readonly sums = new Map<string, Tensor2D>();

  /** Restores what {@link download} returned. */
  static of(linears: readonly LinearSpec[], values: ReadonlyMap<string, Float32Array>): SquaredGradients {
    const gradients = new SquaredGradients();
    for (const { name, shape } of linears) {
      const sum = values.get(name);
      if (sum !== undefined) gradients.sums.set(name, keep(tf.tensor2d(sum, [...shape])));
    }
    return gradients;
  }

  /** Adds one batch. The caller keeps the tensors. */
  add({ linear, x, dy }: LinearGradient): void {
    const before = this.sums.get(linear.name);
    const after = tf.tidy(() => {
      const sum = sumOfSquares(x, dy);
      return before === undefined ? sum : before.add<Tensor2D>(sum);
    });
    before?.dispose();
    this.sums.set(linear.name, keep(after));
  }

  /** Returns the sums of a linear, `[out, in]`; undefined if nothing was added. */
  get(linear: LinearSpec): Tensor2D | undefined {
    return this.sums.get(linear.name);
  }

  /** Frees the sums of a linear. */
  free(linear: LinearSpec): void {
    this.sums.get(linear.name)?.dispose();
    this.sums.delete(linear.name);
  }

  /** Returns the sums on the host, by linear. */
  async download(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const values = new Map<string, Float32Array<ArrayBuffer>>();
    for (const [name, sum] of this.sums) values.set(name, (await sum.data<'float32'>()) as Float32Array<ArrayBuffer>);
    return values;
  }

  dispose(): void {
    for (const sum of this.sums.values()) sum.dispose();
    this.sums.clear();
  }
}

/** Returns the sum over the batch of `(dY_b^T X_b)^2`, `[out, in]`. */
function sumOfSquares(x: Tensor3D, dy: Tensor3D): Tensor2D {
  const [batch, , inputs] = x.shape;
  const outputs = dy.shape[2];
  if (batch * outputs * inputs * Float32Array.BYTES_PER_ELEMENT <= batchedBytes) {
    return tf.tidy(() => tf.matMul(dy, x, true).square().sum<Tensor2D>(0));
  }
  let sum: Tensor2D | undefined;
  for (let sequence = 0; sequence < batch; sequence++) {
    const before = sum;
    sum = tf.tidy(() => {
      // The gradient itself is freed before the squares are added.
      const squares = tf.tidy(() => tf.square(tf.matMul<Tensor2D>(matrixAt(dy, sequence), matrixAt(x, sequence), true)));
      return before === undefined ? squares : before.add<Tensor2D>(squares);
    });
    before?.dispose();
  }
  return sum as Tensor2D;
}

/** Returns one sequence of a batch, `[time, features]`. */
function matrixAt(batch: Tensor3D, sequence: number): Tensor2D {
  return tf.squeeze<Tensor2D>(tf.slice(batch, [sequence, 0, 0], [1, -1, -1]), [0]);
}
