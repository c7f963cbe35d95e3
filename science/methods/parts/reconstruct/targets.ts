import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runDecoderLayer } from '../../../models/forward.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import { PruningInputError } from '../errors.js';

export interface ReconstructionTargets {
  layer: DecoderLayer;
  /** Every tensor of the layer. */
  dense: Weights;
  /** The residual stream before the layer on the pruned path, in batches `[batch, time, hidden]`. Not disposed. */
  hidden: readonly Tensor3D[];
  /** The same on the dense path, in the same batches. Not disposed. Without it the share is 0. */
  denseHidden?: readonly Tensor3D[];
  /** Share of the dense path, 0 to 1. */
  share?: number;
}

/**
 * Computes the target of a layer: `share * f(h_d) + (1 - share) * f(h_p)`, where f is the dense layer, h_d its input on the dense path
 * and h_p its input on the pruned path. The first term corrects errors of the layers before. The second keeps the target within what
 * the layer can reach. Costs one forward of the dense layer for each term whose share is not 0.
 *
 * @returns the residual stream after the layer, in the same batches; new tensors, which the caller disposes
 * @throws PruningInputError if the share is not from 0 to 1, or needs a dense path that is missing
 */
export async function reconstructionTargets({ layer, dense, hidden, denseHidden, share = denseHidden === undefined ? 0 : 0.5 }: ReconstructionTargets): Promise<Tensor3D[]> {
  if (!(share >= 0 && share <= 1)) throw new PruningInputError({ where: 'reconstruction', what: `a share of ${share} of the dense path`, expected: 'from 0 to 1' });
  if (share > 0 && denseHidden?.length !== hidden.length) {
    throw new PruningInputError({ where: 'reconstruction', what: `${denseHidden?.length ?? 0} batches of the dense path`, expected: `${hidden.length}` });
  }
  const targets: Tensor3D[] = [];
  try {
    for (const [index, h] of hidden.entries()) {
      targets.push(tf.tidy(() => {
        const ofDense = denseHidden === undefined || share === 0 ? undefined : runDecoderLayer(layer, denseHidden[index], dense);
        if (ofDense === undefined) return runDecoderLayer(layer, h, dense);
        return share === 1 ? ofDense : ofDense.mul<Tensor3D>(share).add<Tensor3D>(runDecoderLayer(layer, h, dense).mul(1 - share));
      }));
      // Lets a cancellation take effect between two batches.
      await macrotask();
    }
    return targets;
  } catch (fault) {
    tf.dispose(targets);
    throw fault;
  }
}
