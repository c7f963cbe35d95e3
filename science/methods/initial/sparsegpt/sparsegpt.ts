import { checkPruned, groupBudget, sparseGptBlock } from '../../parts/budget.js';
import type { MaskTarget } from '../../parts/budget.js';
import { PruningInputError } from '../../parts/errors.js';
import { checkFinite } from '../../parts/finite.js';
import { factorHessian } from '../../parts/hessian-factor.js';
import type { HessianFactor } from '../../parts/hessian-factor.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Pattern, Shape } from '../../parts/pattern.js';
import { PendingUpdates } from './pending-updates.js';
import type { Columns } from './pending-updates.js';
import { pruneSmallest } from '../../parts/prune-smallest.js';

export interface SparseGptRequest {
  /** Row-major `[out, in]`; not changed. */
  weight: Float32Array;
  shape: Shape;
  /** Sum of `x x^T` over the calibration tokens, `[in, in]`, in any scale; or its factor, where linears share one. */
  hessian: Float32Array | Float64Array | HessianFactor;
  target: MaskTarget;
  /** Columns that share a budget and are updated together; with N:M the next lower multiple of M, at least M. 128 unless given. */
  blockSize?: number;
  /** Relative to the mean diagonal of the Hessian; 0.01 unless given. Not read where `hessian` is a factor. */
  damping?: number;
  /** Of the linear, for error messages. */
  name?: string;
}

export interface SparseGptResult {
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  /** The updated weights `[out, in]`; +0 where pruned, and where the input is dead. */
  weight: Float32Array;
  /** The damping that was used: more than asked for where the Hessian was not positive definite. */
  damping: number;
  /** How many inputs were always zero. */
  dead: number;
}

/**
 * SparseGPT (Frantar and Alistarh 2023, algorithm 1): block by block of columns, prunes the weights of smallest
 * `w^2 / U_jj^2`, U being the upper Cholesky factor of the inverse Hessian, and lets the weights to their right make up for
 * each pruned one. `floor(size * sparsity)` weights of every `[out, blockSize]` are pruned (or as even a part of the target's
 * `pruned`), of equal scores the lower position first; with N:M, M - N of every M inputs of a row, chosen when the updates
 * have reached them.
 *
 * @throws HessianError, NonFiniteScoreError, PatternError, PruningInputError
 */
export async function sparseGpt(request: SparseGptRequest): Promise<SparseGptResult> {
  const { weight, shape, hessian, target, blockSize = sparseGptBlock, damping = 0.01, name = 'linear' } = request;
  const [outputs, inputs] = shape;
  if (weight.length !== outputs * inputs) {
    throw new PruningInputError({ where: `weight of ${name}`, what: `${weight.length} numbers`, expected: `${outputs * inputs}` });
  }
  checkDivides(target.pattern, { name, shape });
  checkPruned(target, weight.length, name);
  checkFinite(weight, inputs, `weight of ${name}`);
  const factor = 'upper' in hessian ? hessian : await factorHessian(hessian, inputs, damping, name);
  if (factor.inputs !== inputs) {
    throw new PruningInputError({ where: name, what: `the factor of a Hessian of ${factor.inputs} inputs`, expected: `${inputs}` });
  }
  const result = { mask: new Uint8Array(weight.length), weight: withoutDead(weight, factor) };
  const width = blockWidth(target.pattern, blockSize, name);
  const updates = new PendingUpdates(factor);
  try {
    for (let start = 0; start < inputs; start += width) {
      const block = readBlock(result.weight, outputs, start, Math.min(width, inputs - start), factor);
      await updates.apply(block);
      pruneBlock(block, target, inputs);
      writeBlock(block, inputs, result);
      updates.add(block);
    }
  } finally {
    updates.dispose();
  }
  checkFinite(result.weight, inputs, `updated weight of ${name}`);
  return { ...result, damping: factor.damping, dead: factor.dead.length };
}

/** One block of columns. */
interface Block extends Columns {
  mask: Uint8Array;
  /** The factor's diagonal block, `[width, width]`. */
  upper: Float64Array;
}

function blockWidth(pattern: Pattern, blockSize: number, name: string): number {
  if (!Number.isInteger(blockSize) || blockSize < 1) {
    throw new PruningInputError({ where: name, what: `a block size of ${blockSize}`, expected: 'a whole number above 0' });
  }
  if (pattern.kind === 'unstructured') return blockSize;
  return Math.max(1, Math.floor(blockSize / pattern.of)) * pattern.of;
}

function withoutDead(weight: Float32Array, { dead, inputs }: HessianFactor): Float32Array {
  const copy = weight.slice();
  for (const column of dead) {
    for (let i = column; i < copy.length; i += inputs) copy[i] = 0;
  }
  return copy;
}

function readBlock(all: Float32Array, outputs: number, start: number, width: number, { upper, inputs }: HessianFactor): Block {
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
