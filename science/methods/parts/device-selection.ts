/**
 * Exact order statistics on the device, for all groups at once. The bits of a magnitude are split into two digits, stored as whole
 * numbers in float32. Each digit of a group's pivot is found by bisection, with one comparison and one count per bit. Equal values
 * rank by position, which a prefix sum counts. The results match selection.ts and prune-smallest.ts bit for bit.
 *
 * A group may consist of several tensors `[groups, length]`, one after the other. Prefix sums of long rows are cut into lines, which
 * float32 counts exactly. The counts of lines are added on the host.
 */
import { bisect, countTrue, highBits, lowBits, magnitudeDigits, tf } from '../../engine/index.js';
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

/** The length of the lines into which long rows are cut. */
const lineLength = 2 ** 14;
/** Rows up to this length get their prefix sum in one piece, because the sum of one row runs in a single thread, or block of a GPU. */
const shortRow = 2 ** 18;
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
    const { digit: high, below } = bisect(group.map((keys) => keys.high), rank, highBits);
    const within = tf.sub<Tensor2D>(rank, below);
    const { digit: low, below: before } = bisect(group.map((keys) => lowAmongEqual(keys, high)), within, lowBits);
    return { high, low, before: tf.sub<Tensor2D>(within, before) };
  });
}

function lowAmongEqual({ high, low }: Keys, pivotHigh: Tensor2D): Tensor2D {
  return tf.tidy(() => tf.where(tf.equal(high, pivotHigh), low, absentLow));
}

/** Cuts rows into lines, one after the other: `[rows x lines, lineLength]`. The last line of a row is padded with false. */
function linesOf(flags: Tensor2D): Tensor2D {
  const missing = wholeLines(flags) - flags.shape[1];
  return tf.reshape<Tensor2D['rankType']>(missing === 0 ? flags : tf.pad<Tensor2D>(flags, [[0, 0], [0, missing]]), [-1, lineLength]);
}

function wholeLines({ shape: [, columns] }: Tensor2D): number {
  return Math.ceil(columns / lineLength) * lineLength;
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
    return group.map((keys, index) => {
      const { less, equal } = againstPivot(keys, pivot);
      const first = firstTrue(equal, ties);
      if (index < group.length - 1) ties = tf.sub<Tensor2D>(ties, countTrue(first));
      return tf.logicalOr<Tensor2D>(less, first);
    });
  });
}

/** Marks the first `counts` true elements of every row. */
function firstTrue(flags: Tensor2D, counts: Tensor2D): Tensor2D {
  const [rows, columns] = flags.shape;
  return tf.tidy(() => {
    if (columns <= shortRow) return firstOfLines(flags, tf.cast(tf.minimum<Tensor2D>(counts, tf.scalar(columns, 'int32')), 'float32'));
    const lines = linesOf(flags);
    const found = tf.reshape<Tensor2D['rankType']>(firstOfLines(lines, limitsOfLines(lines, counts)), [rows, -1]);
    return tf.slice(found, [0, 0], [rows, columns]);
  });
}

/** Marks the first true elements of every line. @param limits how many, float32 `[lines, 1]` */
function firstOfLines(lines: Tensor2D, limits: Tensor2D): Tensor2D {
  const rank = tf.cumsum(tf.cast(lines, 'float32'), 1);
  return tf.logicalAnd<Tensor2D>(lines, tf.lessEqual(rank, limits));
}

/** Divides each row's count among its lines, from the first on, `[lines, 1]`. The sums are too large for float32, so they are added on the host. */
function limitsOfLines(lines: Tensor2D, counts: Tensor2D): Tensor2D {
  const limits = tf.sum(tf.cast(lines, 'float32'), 1).dataSync<'float32'>().slice();
  const rest = counts.dataSync<'int32'>();
  const perRow = limits.length / rest.length;
  for (let row = 0; row < rest.length; row++) {
    let left = rest[row];
    for (let line = row * perRow; line < (row + 1) * perRow; line++) {
      const there = limits[line];
      limits[line] = Math.min(there, left);
      left -= limits[line];
    }
  }
  return tf.tensor2d(limits, [limits.length, 1]);
}
