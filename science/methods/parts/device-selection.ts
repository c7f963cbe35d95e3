/**
 * Exact order statistics on the device, for all groups at once. The bits of magnitudes are two digits, whole numbers in
 * float32; each digit of a group's pivot is found by bisection, one comparison and one count a bit. Equal values rank by
 * position, which a prefix sum counts. The results are those of selection.ts and prune-smallest.ts, bit by bit.
 *
 * A group may lie in several tensors `[groups, length]`, one after the other. Counts are taken in pieces of at most 2^24
 * elements, where float32 sums of ones are exact, and added in int32.
 */
import { highBits, lowBits, magnitudeDigits, tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';

/** Bits of magnitudes, `[groups, length]`. */
export interface Keys {
  high: Tensor2D;
  low: Tensor2D;
}

/** One value a group; every tensor is `[groups, 1]`. */
export interface Pivot {
  high: Tensor2D;
  low: Tensor2D;
  /** How many values equal to it rank before it, int32. */
  before: Tensor2D;
}

/** Largest number of ones that a float32 sum is sure to count. */
const exactCount = 2 ** 24;
/** Digits that no magnitude has: such elements are in no one's way. */
const absentHigh = 2 ** highBits;
const absentLow = 2 ** lowBits;

/** The keys of finite values `[groups, length]`. The sign is ignored. */
export function keysOf(values: Tensor2D): Keys {
  return magnitudeDigits(values);
}

/** Keys that order the other way round. */
export function descending({ high, low }: Keys): Keys {
  return { high: tf.sub(absentHigh - 1, high), low: tf.sub(absentLow - 1, low) };
}

/** The same keys where `only` is true; elsewhere such that rank behind all. */
export function among({ high, low }: Keys, only: Tensor2D): Keys {
  return { high: tf.where(only, high, absentHigh), low };
}

/**
 * The value of a rank (from 0, ascending) in each group.
 *
 * @param rank int32 `[groups, 1]`. Of rank -1, the pivot is 0 with `before` -1, so that no element ranks up to it.
 */
export function pivots(group: readonly Keys[], rank: Tensor2D): Pivot {
  return tf.tidy(() => {
    const { digit: high, below } = digitAt(group.map((keys) => keys.high), rank, highBits);
    const within = tf.sub<Tensor2D>(rank, below);
    const { digit: low, below: before } = digitAt(group.map((keys) => lowAmongEqual(keys, high)), within, lowBits);
    return { high, low, before: tf.sub<Tensor2D>(within, before) };
  });
}

/** Bisection: the largest digit with at most `rank` digits below it. */
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

/** How many elements of each group fulfil a condition: int32 `[groups, 1]`. */
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

/** A tensor in pieces of columns that are short enough to be counted; itself if it is one. */
function columnPieces(values: Tensor2D): Tensor2D[] {
  const [rows, columns] = values.shape;
  if (columns <= exactCount) return [values];
  const starts = Array.from({ length: Math.ceil(columns / exactCount) }, (_, index) => index * exactCount);
  return starts.map((start) => tf.slice(values, [0, start], [rows, Math.min(exactCount, columns - start)]));
}

/** Which elements are less than their group's pivot, and which are equal to it. */
export function againstPivot(keys: Keys, pivot: Pivot): { less: Tensor2D; equal: Tensor2D } {
  return tf.tidy(() => {
    const low = lowAmongEqual(keys, pivot.high);
    const less = tf.logicalOr<Tensor2D>(tf.less(keys.high, pivot.high), tf.less(low, pivot.low));
    return { less, equal: tf.equal<Tensor2D>(low, pivot.low) };
  });
}

/**
 * Marks the `counts` first elements of every group; ties go to the lower position.
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

/** The first `counts` true elements of every row of a piece. */
function firstTrue(flags: Tensor2D, counts: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    // More than a piece holds would be rounded.
    const limit = tf.cast(tf.minimum(counts, tf.scalar(exactCount, 'int32')), 'float32');
    const rank = tf.cumsum(tf.cast(flags, 'float32'), 1);
    return tf.logicalAnd<Tensor2D>(flags, tf.lessEqual(rank, limit));
  });
}
