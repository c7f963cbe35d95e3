import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';

/** Some columns of a linear: row-major `[out, width]` each. */
export interface Columns {
  outputs: number;
  start: number;
  width: number;
  weight: Float64Array;
  /** What pruning took from each weight, in units of `U_jj`. */
  errors: Float32Array;
}

/** So many blocks are put together, so that later blocks read them in one large product. */
const blocksTogether = 8;

/**
 * What pruning of the blocks on the left does to a block of SparseGPT: `W[:, block] -= E U[left, block]`, in the engine, at
 * the moment when the block's turn comes. So every block crosses to the engine once, however many are on its right.
 */
export class PendingUpdates {
  private readonly far: Errors[] = [];
  private near: Errors[] = [];

  /** @param upper U, `[in, in]` */
  constructor(private readonly upper: Float64Array, private readonly inputs: number) {}

  /** Brings the weights of a block up to date, in place. */
  async apply({ outputs, start, width, weight }: Columns): Promise<void> {
    const left = [...this.far, ...this.near];
    if (left.length === 0) return;
    const updated = tf.tidy(() =>
      left.reduce(
        (columns, { errors, start: from }) => columns.sub<Tensor2D>(tf.matMul(errors, this.lines(from, errors.shape[1], start, width))),
        tf.tensor2d(new Float32Array(weight), [outputs, width]),
      ),
    );
    weight.set(await updated.data<'float32'>());
    updated.dispose();
    // Lets a cancellation be seen.
    await macrotask();
  }

  /** Remembers what was pruned in a block, for those on its right. */
  add({ outputs, start, width, errors }: Columns): void {
    this.near.push({ start, errors: tf.tensor2d(errors, [outputs, width]) });
    if (this.near.length < blocksTogether) return;
    this.far.push({ start: this.near[0].start, errors: tf.concat(this.near.map((part) => part.errors), 1) });
    tf.dispose(this.near.map((part) => part.errors));
    this.near = [];
  }

  dispose(): void {
    tf.dispose([...this.far, ...this.near].map(({ errors }) => errors));
  }

  /** `U[from : from + height, start : start + width]`; all of it lies above the diagonal. */
  private lines(from: number, height: number, start: number, width: number): Tensor2D {
    const lines = new Float32Array(height * width);
    for (let i = 0; i < height; i++) {
      const line = (from + i) * this.inputs + start;
      lines.set(this.upper.subarray(line, line + width), i * width);
    }
    return tf.tensor2d(lines, [height, width]);
  }
}

interface Errors {
  start: number;
  /** `[out, columns from start on]` */
  errors: Tensor2D;
}
