import { writePrunedLayer } from '../../../activities/layer-files.js';
import { disposeWeights, toTensors } from '../../../activities/weights.js';
import type { ArtifactStore } from '../../../files/artifacts/index.js';
import { prefetch } from '../../../files/checkpoints/index.js';
import { inTensorScope, startLedger, type Tensor, type Tensor3D, type Traffic } from '../../../science/engine/index.js';
import type { DecoderLayer } from '../../../science/models/index.js';
import { hiddenStates, type LayerCase } from './layer-case.js';

/** The input of a method. */
export interface OnLayer {
  layer: DecoderLayer;
  hidden: Tensor3D[];
  weights: Map<string, Tensor>;
}

/**
 * Runs a layer as in a pipeline: reads its weights, makes its masks with a method, and writes them.
 * @returns the traffic, without the hidden states
 */
export async function layerOnce({ model, tensors }: LayerCase, method: string, store: ArtifactStore, make: (on: OnLayer) => Promise<Parameters<typeof writePrunedLayer>[2]>): Promise<Traffic> {
  const layer = model.decoderLayer(0);
  return inTensorScope(async () => {
    const hidden = hiddenStates(model);
    const end = startLedger();
    const weights = await toTensors(layer.tensors, prefetch(tensors));
    await store.findOrMake('mask', { method }, async (draft) => {
      const pruned = await make({ layer, hidden, weights });
      disposeWeights(weights);
      await writePrunedLayer(draft, layer, pruned);
      return {};
    });
    return end();
  });
}
