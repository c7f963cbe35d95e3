import { groupBudget } from '../../parts/budget.js';
import { pruneSmallest } from '../../parts/prune-smallest.js';
import type { MaskTarget } from '../../parts/budget.js';
import type { Shape } from '../../parts/pattern.js';
import type { BlocksRequest, PrunedLinear } from './sparsegpt.js';
import { PendingUpdates } from './pending-updates.js';
import type { Columns } from './pending-updates.js';

/** Block by block in JavaScript, in float64 but for what blocks do to those on their right. */
export async function pruneOnHost({ weight, factor, target, width }: BlocksRequest): Promise<PrunedLinear> {
  const { shape } = weight;
  const [outputs, inputs] = shape;
  const upper = await factor.upper();
  const result = { mask: new Uint8Array(outputs * inputs), weight: withoutDead(await weight.data<'float32'>(), inputs, factor.dead) };
  const updates = new PendingUpdates(upper, inputs);
  const room = roomFor(outputs * Math.min(width, inputs));
  try {
    for (let start = 0; start < inputs; start += width) {
      const block = readBlock(result.weight, shape, { start, width: Math.min(width, inputs - start), upper }, room);
      await updates.apply(block);
      pruneBlock(block, target, inputs);
      writeBlock(block, inputs, result);
      updates.add(block);
    }
  } finally {
    updates.dispose();
  }
  return result;
}

/** Arrays that all blocks of a linear use one after the other. Fresh memory for each block would take longer than its scores. */
interface Room {
  weight: Float64Array;
  mask: Uint8Array;
  scores: Float32Array;
  kept: Uint8Array;
}

function roomFor(size: number): Room {
  return { weight: new Float64Array(size), mask: new Uint8Array(size), scores: new Float32Array(size), kept: new Uint8Array(size) };
}

/** One block of columns. */
interface Block extends Columns, Room {
  /** The factor's diagonal block, `[width, width]`, and its diagonal. */
  upper: Float64Array;
  pivots: Float64Array;
}

function withoutDead(weight: Float32Array, inputs: number, dead: Uint32Array): Float32Array {
  const copy = weight.slice();
  for (const column of dead) {
    for (let i = column; i < copy.length; i += inputs) copy[i] = 0;
  }
  return copy;
}

function readBlock(all: Float32Array, [outputs, inputs]: Shape, { start, width, upper }: { start: number; width: number; upper: Float64Array }, room: Room): Block {
  const size = outputs * width;
  const weight = room.weight.subarray(0, size);
  for (let row = 0; row < outputs; row++) weight.set(all.subarray(row * inputs + start, row * inputs + start + width), row * width);
  const diagonal = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const from = (start + i) * inputs + start;
    diagonal.set(upper.subarray(from, from + width), i * width);
  }
  const pivots = Float64Array.from({ length: width }, (_, i) => diagonal[i * (width + 1)]);
  // The engine reads the errors later, so each block has its own.
  return { ...room, outputs, start, width, weight, mask: room.mask.subarray(0, size), errors: new Float32Array(size), upper: diagonal, pivots };
}

/** Selects all at once, or group of M by group of M: each time with all updates from the columns before. */
function pruneBlock(block: Block, target: MaskTarget, inputs: number): void {
  const { pattern } = target;
  const { outputs, start, width, weight, mask, pivots } = block;
  const group = pattern.kind === 'N:M' ? pattern.of : width;
  const size = outputs * group;
  const scores = block.scores.subarray(0, size);
  const kept = group === width ? mask : block.kept.subarray(0, size);
  for (let first = 0; first < width; first += group) {
    for (let row = 0; row < outputs; row++) {
      const own = row * width + first;
      for (let j = 0; j < group; j++) scores[row * group + j] = weight[own + j] / pivots[first + j];
    }
    if (pattern.kind === 'N:M') pruneSmallest(scores, group, group - pattern.keep, kept);
    else pruneSmallest(scores, size, groupBudget(target, { from: start, to: start + width, of: inputs, size }), kept);
    if (kept !== mask) {
      for (let row = 0; row < outputs; row++) {
        for (let j = 0; j < group; j++) mask[row * width + first + j] = kept[row * group + j];
      }
    }
    compensate(block, first, first + group);
  }
}

/** Zeroes the pruned weights of some columns, one column after the other, each time updating what lies to the right in its row. */
function compensate({ outputs, width, weight, mask, errors, upper, pivots }: Block, first: number, end: number): void {
  const pruned = new Int32Array(end - first);
  for (let row = 0; row < outputs; row++) {
    const base = row * width;
    let count = 0;
    for (let column = first; column < end; column++) if (mask[base + column] === 0) pruned[count++] = column;
    let at = 0;
    // Four columns update the rest of the row in one pass. Each weight is updated by the same columns in the same order as one by one.
    for (; at + 4 <= count; at += 4) {
      const a = pruned[at];
      const b = pruned[at + 1];
      const c = pruned[at + 2];
      const d = pruned[at + 3];
      const lineA = a * width;
      const lineB = b * width;
      const lineC = c * width;
      const lineD = d * width;
      const errorA = weight[base + a] / pivots[a];
      for (let j = a + 1; j <= b; j++) weight[base + j] -= errorA * upper[lineA + j];
      const errorB = weight[base + b] / pivots[b];
      for (let j = b + 1; j <= c; j++) weight[base + j] = weight[base + j] - errorA * upper[lineA + j] - errorB * upper[lineB + j];
      const errorC = weight[base + c] / pivots[c];
      for (let j = c + 1; j <= d; j++) weight[base + j] = weight[base + j] - errorA * upper[lineA + j] - errorB * upper[lineB + j] - errorC * upper[lineC + j];
      const errorD = weight[base + d] / pivots[d];
      for (let j = d + 1; j < width; j++) {
        weight[base + j] = weight[base + j] - errorA * upper[lineA + j] - errorB * upper[lineB + j] - errorC * upper[lineC + j] - errorD * upper[lineD + j];
      }
      errors[base + a] = errorA;
      errors[base + b] = errorB;
      errors[base + c] = errorC;
      errors[base + d] = errorD;
    }
    for (; at < count; at++) {
      const column = pruned[at];
      const error = weight[base + column] / pivots[column];
      for (let j = column + 1; j < width; j++) weight[base + j] -= error * upper[column * width + j];
      errors[base + column] = error;
    }
    for (let i = 0; i < count; i++) weight[base + pruned[i]] = 0;
  }
}

function writeBlock({ outputs, start, width, weight, mask }: Block, inputs: number, result: { mask: Uint8Array; weight: Float32Array }): void {
  for (let row = 0; row < outputs; row++) {
    result.weight.set(weight.subarray(row * width, (row + 1) * width), row * inputs + start);
    result.mask.set(mask.subarray(row * width, (row + 1) * width), row * inputs + start);
  }
}
