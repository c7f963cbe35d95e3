import { selectsOnDevice, type Tensor2D } from '../../../engine/index.js';
import { checkPruned, sparseGptBlock } from '../../parts/budget.js';
import type { MaskTarget } from '../../parts/budget.js';
import { PruningInputError } from '../../parts/errors.js';
import { checkFinite } from '../../parts/finite.js';
import { checkFiniteOnDevice } from '../../parts/finite-on-device.js';
import type { HessianFactor } from '../../parts/hessian-factor.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Pattern } from '../../parts/pattern.js';
import { pruneOnDevice } from './device-blocks.js';
import { pruneOnHost } from './host-blocks.js';

export interface SparseGptRequest {
  /** `[out, in]`; not changed. */
  weight: Tensor2D;
  /** Of the Hessian of its inputs. */
  factor: HessianFactor;
  target: MaskTarget;
  /** Columns that share a budget and are updated together; with N:M the next lower multiple of M, at least M. 128 unless given. */
  blockSize?: number;
  /** Of the linear, for error messages. */
  name?: string;
}

export interface PrunedLinear {
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  /** The updated weights `[out, in]`; +0 where pruned, and where the input is dead. */
  weight: Float32Array;
}

/** A request that has been checked. */
export interface BlocksRequest extends Pick<SparseGptRequest, 'weight' | 'factor' | 'target'> {
  /** Columns of a block; the last one may have fewer. */
  width: number;
}

/**
 * SparseGPT (Frantar and Alistarh 2023, algorithm 1): block by block of columns, prunes the weights of smallest
 * `w^2 / U_jj^2`, U being the upper Cholesky factor of the inverse Hessian, and lets the weights to their right make up for
 * each pruned one. `floor(size * sparsity)` weights of every `[out, blockSize]` are pruned (or as even a part of the target's
 * `pruned`); ties go to the lower position. With N:M, M - N of every M inputs of a row are pruned, chosen when the updates
 * have reached them.
 *
 * On a GPU all of it happens there, in float32; on the host the inside of a block is float64. Near ties can fall differently.
 *
 * @throws HessianError, NonFiniteScoreError, PatternError, PruningInputError
 */
export async function sparseGpt({ weight, factor, target, blockSize = sparseGptBlock, name = 'linear' }: SparseGptRequest): Promise<PrunedLinear> {
  const [, inputs] = weight.shape;
  checkDivides(target.pattern, { name, shape: weight.shape });
  checkPruned(target, weight.size, name);
  const onDevice = selectsOnDevice();
  if (onDevice) await checkFiniteOnDevice(weight, `weight of ${name}`);
  else checkFinite(await weight.data<'float32'>(), inputs, `weight of ${name}`);
  if (factor.inputs !== inputs) {
    throw new PruningInputError({ where: name, what: `the factor of a Hessian of ${factor.inputs} inputs`, expected: `${inputs}` });
  }
  const request = { weight, factor, target, width: blockWidth(target.pattern, blockSize, name) };
  const pruned = await (onDevice ? pruneOnDevice(request) : pruneOnHost(request));
  checkFinite(pruned.weight, inputs, `updated weight of ${name}`);
  return pruned;
}

function blockWidth(pattern: Pattern, blockSize: number, name: string): number {
  if (!Number.isInteger(blockSize) || blockSize < 1) {
    throw new PruningInputError({ where: name, what: `a block size of ${blockSize}`, expected: 'a whole number above 0' });
  }
  if (pattern.kind === 'unstructured') return blockSize;
  return Math.max(1, Math.floor(blockSize / pattern.of)) * pattern.of;
}
