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
  try {
    for (let start = 0; start < inputs; start += width) {
      const block = readBlock(result.weight, shape, { start, width: Math.min(width, inputs - start), upper });
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

/** One block of columns. */
interface Block extends Columns {
  mask: Uint8Array;
  /** The factor's diagonal block, `[width, width]`. */
  upper: Float64Array;
}

function withoutDead(weight: Float32Array, inputs: number, dead: Uint32Array): Float32Array {
  const copy = weight.slice();
  for (const column of dead) {
    for (let i = column; i < copy.length; i += inputs) copy[i] = 0;
  }
  return copy;
}

function readBlock(all: Float32Array, [outputs, inputs]: Shape, { start, width, upper }: { start: number; width: number; upper: Float64Array }): Block {
  const weight = new Float64Array(outputs * width);
  for (let row = 0; row < outputs; row++) weight.set(all.subarray(row * inputs + start, row * inputs + start + width), row * width);
  const diagonal = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const from = (start + i) * inputs + start;
    diagonal.set(upper.subarray(from, from + width), i * width);
  }
  const size = outputs * width;
  return { outputs, start, width, weight, mask: new Uint8Array(size), errors: new Float32Array(size), upper: diagonal };
}

/** Selects all at once, or group of M by group of M: each time with all updates from the columns before. */
function pruneBlock(block: Block, target: MaskTarget, inputs: number): void {
  const { pattern } = target;
  const { outputs, start, width, weight, mask, upper } = block;
  const group = pattern.kind === 'N:M' ? pattern.of : width;
  const size = outputs * group;
  const scores = new Float32Array(size);
  const kept = new Uint8Array(size);
  for (let first = 0; first < width; first += group) {
    for (let row = 0; row < outputs; row++) {
      for (let j = 0; j < group; j++) {
        const column = first + j;
        scores[row * group + j] = weight[row * width + column] / upper[column * width + column];
      }
    }
    if (pattern.kind === 'N:M') pruneSmallest(scores, group, group - pattern.keep, kept);
    else pruneSmallest(scores, size, groupBudget(target, { from: start, to: start + width, of: inputs, size }), kept);
    for (let row = 0; row < outputs; row++) mask.set(kept.subarray(row * group, (row + 1) * group), row * width + first);
    compensate(block, first, first + group);
  }
}

/** Zeroes the pruned weights of some columns, one column after the other, each time updating what lies to the right in its row. */
function compensate({ outputs, width, weight, mask, errors, upper }: Block, first: number, end: number): void {
  for (let row = 0; row < outputs; row++) {
    const base = row * width;
    for (let column = first; column < end; column++) {
      if (mask[base + column] === 1) continue;
      const line = column * width;
      const error = weight[base + column] / upper[line + column];
      errors[base + column] = error;
      weight[base + column] = 0;
      for (let j = column + 1; j < width; j++) weight[base + j] -= error * upper[line + j];
    }
  }
}

function writeBlock({ outputs, start, width, weight, mask }: Block, inputs: number, result: { mask: Uint8Array; weight: Float32Array }): void {
  for (let row = 0; row < outputs; row++) {
    result.weight.set(weight.subarray(row * width, (row + 1) * width), row * inputs + start);
    result.mask.set(mask.subarray(row * width, (row + 1) * width), row * inputs + start);
  }
}
