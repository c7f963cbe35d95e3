import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor1D, Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { withMasked } from '../../parts/masked-weights.js';
import { needsGradients } from '../method.js';
import { denseWithGradients, type DensePass } from '../../parts/output-gradients.js';
import { meanSquare, scaleToAllTokens, sumOfErrors } from '../../parts/sequence-errors.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';
import type { SubBlockRebuild } from '../sub-block.js';
import { SubBlockSums } from './sub-block-sums.js';

export interface GatherSubBlock extends Pick<SubBlockRebuild, 'subBlock' | 'hidden' | 'dense' | 'masks' | 'updates' | 'onProgress'> {
  settings: Pick<SubBlockRebuild['settings'], 'metric'>;
  /** Called with the dense output of every batch, `[batch, time, hidden]`. Must keep the tensors that it needs. */
  onDense?: (y: Tensor3D) => void;
}

/**
 * Runs steps 1 and 2 of LLM-Barber: computes the errors under the masks and the squared gradients. The caller keeps its tensors. The masked
 * weights are freed before the gradients are made. Meanwhile the sparse outputs take the place of the dense outputs.
 */
export async function gatherSubBlock({ subBlock, hidden, dense, masks, updates, settings, onProgress, onDense }: GatherSubBlock): Promise<SubBlockSums> {
  const gradients = new SquaredGradients();
  const errors: Tensor1D[] = [];
  const sparseOutputs: Tensor3D[] = [];
  try {
    await withMasked(dense, masks, async (sparse) => {
      for (const h of hidden) {
        sparseOutputs.push(tf.tidy(() => keep(runSubBlock(subBlock, subBlock.enter(h, dense), sparse))));
        await macrotask();
      }
    }, updates);
    for (const [index, h] of hidden.entries()) {
      const t = sparseOutputs[index];
      tf.tidy(() => {
        const x = subBlock.enter(h, dense);
        const pass = needsGradients(settings.metric) ? denseWithGradients(subBlock, x, t, dense) : denseOnly(subBlock, x, t, dense);
        t.dispose();
        for (const gradient of pass.gradients) gradients.add(gradient);
        onDense?.(pass.y);
        errors.push(keep(scaleToAllTokens(pass.errors, x.shape[1], h.shape[1])));
      });
      onProgress?.({ pass: 1, batch: index + 1, batches: hidden.length });
      await macrotask();
    }
    return new SubBlockSums(gradients, await sumOfErrors(errors));
  } catch (fault) {
    gradients.dispose();
    tf.dispose([...errors, ...sparseOutputs]);
    throw fault;
  }
}

function denseOnly(subBlock: SubBlock, x: Tensor3D, t: Tensor3D, dense: Weights): DensePass {
  const y = runSubBlock(subBlock, x, dense);
  return { y, errors: meanSquare(y.sub<Tensor3D>(t)), gradients: [] };
}
