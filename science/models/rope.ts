import { tf } from '../engine/index.js';
import type { Tensor, Tensor2D, Tensor4D } from '../engine/index.js';
import { constant } from './constants.js';

/** Rotary position embedding (Su et al. 2021): with n frequencies, the pair `(i, i + n)` is rotated by `position * frequencies[i]`. */
export interface Rope {
  headDim: number;
  /** Angles per position in radians, rounded to float32 as in training; `headDim / 2` of them, or fewer if a part is not rotated. */
  frequencies: readonly number[];
  /** Factor of the rotated part. */
  amplitude: number;
  /** Other frequencies for sequences longer than `beyond`, the positions in training. */
  long?: { beyond: number; frequencies: readonly number[] };
  /** Identifies the tables of this rope in the cache. */
  key: string;
}

/** Cosines and signed sines `[time, headDim]`, so that a rotation is `x * cos + swapHalves(x) * sin`. */
export interface RopeTables {
  cos: Tensor2D;
  sin: Tensor2D;
  /** Number of rotated pairs. */
  pairs: number;
}

/**
 * Returns the tables of the first `time` positions, multiplied by `scale`. The cache of `constants.ts` owns them.
 *
 * @param scale factor (attention's `1 / sqrt(headDim)`) that is folded into the rotation at no cost.
 * @param direction -1 for the transposed rotation, which is the vector-Jacobian product.
 */
export function ropeTables(rope: Rope, time: number, scale: number, direction: 1 | -1): RopeTables {
  const { headDim, amplitude, long } = rope;
  const frequencies = long !== undefined && time > long.beyond ? long.frequencies : rope.frequencies;
  const pairs = frequencies.length;
  // The part that is not rotated is only scaled.
  const table = (name: 'cos' | 'sin', value: (angle: number, firstHalf: boolean) => number, unturned: number) =>
    constant(`rope ${name} ${rope.key} ${time} ${scale} ${direction}`, () => {
      const values = new Float32Array(time * headDim).fill(scale * unturned);
      for (let position = 0; position < time; position++) {
        for (let i = 0; i < 2 * pairs; i++) {
          const angle = Math.fround(position * frequencies[i % pairs]);
          values[position * headDim + i] = scale * amplitude * value(angle, i < pairs);
        }
      }
      return tf.tensor2d(values, [time, headDim]);
    });
  return {
    cos: table('cos', Math.cos, 1),
    sin: table('sin', (angle, firstHalf) => (firstHalf ? -direction : direction) * Math.sin(angle), 0),
    pairs,
  };
}

/**
 * Rotates x `[batch, heads, time, headDim]` by the tables.
 * @param positions position of every token, int32 `[batch, time]`; by default 0, 1, 2, ...
 */
export function rotate(x: Tensor4D, { cos, sin, pairs }: RopeTables, positions?: Tensor2D): Tensor4D {
  const at = (table: Tensor2D): Tensor => (positions === undefined ? table : table.gather(positions).expandDims(1));
  return tf.tidy(() => {
    const unturned = x.shape[3] - 2 * pairs;
    const [first, second, ...rest] = tf.split(x, unturned === 0 ? [pairs, pairs] : [pairs, pairs, unturned], -1);
    return x.mul<Tensor4D>(at(cos)).add(tf.concat([second, first, ...rest], -1).mul(at(sin)));
  });
}
