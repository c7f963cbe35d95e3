import { writePrunedLayer } from '../../../activities/layer-files.js';
import { disposeWeights, toTensors } from '../../../activities/weights.js';
import type { ArtifactStore } from '../../../files/artifacts/index.js';
import { prefetch } from '../../../files/checkpoints/index.js';
import { inTensorScope, startLedger, tf, type Traffic } from '../../../science/engine/index.js';
import { disposeMasks, initialMethodOf, unstructured, type InitialMethodName } from '../../../science/methods/index.js';
import { hiddenStates, type LayerCase } from './layer-case.js';

/** A layer's first mask in a run, as activities/initial-mask.ts makes it. @returns what it took, without the hidden states */
export async function initialOnce({ model, tensors }: LayerCase, method: InitialMethodName, store: ArtifactStore): Promise<Traffic> {
  const layer = model.decoderLayer(0);
  const { run } = await initialMethodOf(method).load();
  return inTensorScope(async () => {
    const hidden = hiddenStates(model);
    const end = startLedger();
    const weights = await toTensors(layer.tensors, prefetch(tensors));
    await store.findOrMake('mask', { method }, async (draft) => {
      const made = await run({
        layer, weights, hidden, targetOf: () => ({ sparsity: 0.5, pattern: unstructured }), settings: {},
        round: (_, values) => values, readSource: () => Promise.reject(new Error('no source')), onProgress: () => undefined,
      });
      disposeWeights(weights);
      await writePrunedLayer(draft, layer, { updates: new Map(), ...made });
      disposeMasks(made.masks);
      return {};
    });
    tf.dispose(hidden);
    return end();
  });
}
