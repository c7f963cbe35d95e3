/**
 * Exact order statistics on the device, for all groups at once. The bits of a magnitude are split into two digits, stored as whole
 * numbers in float32. Each digit of a group's pivot is found by bisection, with one comparison and one count per bit. Equal values
 * rank by position, which a prefix sum counts. The results match selection.ts and prune-smallest.ts bit for bit.
 *
 * A group may consist of several tensors `[groups, length]`, one after the other. Elements are counted in pieces of at most 2^24,
 * for which float32 sums of ones are exact, and the counts are added in int32.
 */
import { highBits, lowBits, magnitudeDigits, tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';

/** Bits of magnitudes, `[groups, length]`. */
export interface Keys {
  high: Tensor2D;
  low: Tensor2D;
}

/** One value per group. Every tensor is `[groups, 1]`. */
export interface Pivot {
  high: Tensor2D;
  low: Tensor2D;
  /** The number of equal values that rank before the pivot, int32. */
  before: Tensor2D;
}

/** The largest number of ones that a float32 sum counts exactly. */
const exactCount = 2 ** 24;
/** Digits that no magnitude has. Elements with these digits rank behind all magnitudes. */
const absentHigh = 2 ** highBits;
const absentLow = 2 ** lowBits;

/** Returns the keys of finite values `[groups, length]`. The sign is ignored. */
export function keysOf(values: Tensor2D): Keys {
  return magnitudeDigits(values);
}

/** Returns keys with the reverse order. */
export function descending({ high, low }: Keys): Keys {
  return { high: tf.sub(absentHigh - 1, high), low: tf.sub(absentLow - 1, low) };
}

/** Returns the same keys where `only` is true. All other elements rank last. */
export function among({ high, low }: Keys, only: Tensor2D): Keys {
  return { high: tf.where(only, high, absentHigh), low };
}

/**
 * Returns the value with the given rank (from 0, ascending) in each group.
 *
 * @param rank int32 `[groups, 1]`. For rank -1 the pivot is 0 with `before` -1, so that no element ranks at or before it.
 */
export function pivots(group: readonly Keys[], rank: Tensor2D): Pivot {
  return tf.tidy(() => {
    const { digit: high, below } = digitAt(group.map((keys) => keys.high), rank, highBits);
    const within = tf.sub<Tensor2D>(rank, below);
    const { digit: low, below: before } = digitAt(group.map((keys) => lowAmongEqual(keys, high)), within, lowBits);
    return { high, low, before: tf.sub<Tensor2D>(within, before) };
  });
}

/** Finds by bisection the largest digit with at most `rank` digits below it. */
function digitAt(digits: readonly Tensor2D[], rank: Tensor2D, bits: number): { digit: Tensor2D; below: Tensor2D } {
  let digit = tf.zerosLike(tf.cast(rank, 'float32'));
  let below = tf.zerosLike(rank);
  for (let bit = bits - 1; bit >= 0; bit--) {
    const candidate = tf.add<Tensor2D>(digit, 2 ** bit);
    const count = total(digits, (piece) => tf.less(piece, candidate));
    const reached = tf.lessEqual(count, rank);
    digit = tf.where(reached, candidate, digit);
    below = tf.where(reached, count, below);
  }
  return { digit, below };
}

function lowAmongEqual({ high, low }: Keys, pivotHigh: Tensor2D): Tensor2D {
  return tf.tidy(() => tf.where(tf.equal(high, pivotHigh), low, absentLow));
}

/** Counts the elements of each group that meet a condition: int32 `[groups, 1]`. */
export function total<T extends Tensor2D>(group: readonly T[], condition: (part: T) => Tensor2D): Tensor2D {
  return tf.tidy(() => {
    const counts = group.map((part) => tf.tidy(() => countTrue(condition(part))));
    return counts.reduce((sum, count) => tf.add<Tensor2D>(sum, count));
  });
}

function countTrue(flags: Tensor2D): Tensor2D {
  const counts = columnPieces(flags).map((piece) => tf.cast(tf.sum<Tensor2D>(tf.cast(piece, 'float32'), 1, true), 'int32'));
  return counts.reduce((sum, count) => tf.add<Tensor2D>(sum, count));
}

/** Splits a tensor by columns into pieces that can be counted exactly. Returns the tensor itself if it needs no split. */
function columnPieces(values: Tensor2D): Tensor2D[] {
  const [rows, columns] = values.shape;
  if (columns <= exactCount) return [values];
  const starts = Array.from({ length: Math.ceil(columns / exactCount) }, (_, index) => index * exactCount);
  return starts.map((start) => tf.slice(values, [0, start], [rows, Math.min(exactCount, columns - start)]));
}

/** Marks the elements that are less than their group's pivot, and those that are equal to it. */
export function againstPivot(keys: Keys, pivot: Pivot): { less: Tensor2D; equal: Tensor2D } {
  return tf.tidy(() => {
    const low = lowAmongEqual(keys, pivot.high);
    const less = tf.logicalOr<Tensor2D>(tf.less(keys.high, pivot.high), tf.less(low, pivot.low));
    return { less, equal: tf.equal<Tensor2D>(low, pivot.low) };
  });
}

/**
 * Marks the `counts` smallest elements of every group. Ties go to the lower position.
 *
 * @param counts int32 `[groups, 1]`, at most the length of the group
 * @returns bool, shaped like the group's tensors
 */
export function smallest(group: readonly Keys[], counts: Tensor2D): Tensor2D[] {
  return tf.tidy(() => {
    const pivot = pivots(group, tf.sub(counts, tf.scalar(1, 'int32')));
    let ties = tf.add<Tensor2D>(pivot.before, tf.scalar(1, 'int32'));
    return group.map((keys) => {
      const { less, equal } = againstPivot(keys, pivot);
      const taken = columnPieces(equal).map((piece) => {
        const first = firstTrue(piece, ties);
        ties = tf.sub<Tensor2D>(ties, countTrue(first));
        return first;
      });
      return tf.logicalOr<Tensor2D>(less, taken.length === 1 ? taken[0] : tf.concat(taken, 1));
    });
  });
}

/** Marks the first `counts` true elements of every row of a piece. */
function firstTrue(flags: Tensor2D, counts: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    // Larger counts would be rounded in float32. No piece has more elements than this.
    const limit = tf.cast(tf.minimum(counts, tf.scalar(exactCount, 'int32')), 'float32');
    const rank = tf.cumsum(tf.cast(flags, 'float32'), 1);
    return tf.logicalAnd<Tensor2D>(flags, tf.lessEqual(rank, limit));
  });
}
