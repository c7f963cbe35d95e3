import { writePrunedLayer } from '../../../activities/layer-files.js';
import { disposeWeights, toTensors } from '../../../activities/weights.js';
import type { ArtifactStore } from '../../../files/artifacts/index.js';
import { prefetch } from '../../../files/checkpoints/index.js';
import { inTensorScope, startLedger, tf, type Traffic } from '../../../science/engine/index.js';
import { linearsOf } from '../../../science/models/index.js';
import { checkRebuiltMasks, linearMask, MaskSet, rebuildMethodOf, unstructured, type RebuildStrategy } from '../../../science/methods/index.js';
import { hiddenStates, type LayerCase } from './layer-case.js';

/** A layer of a run, as activities/rebuild.ts does it. @returns what it took, without the hidden states */
export async function rebuildOnce({ model, tensors, bits }: LayerCase, strategy: RebuildStrategy, store: ArtifactStore): Promise<Traffic> {
  const layer = model.decoderLayer(0);
  const { run } = await rebuildMethodOf(strategy).load();
  return inTensorScope(async () => {
    const hidden = hiddenStates(model);
    const end = startLedger();
    const dense = await toTensors(layer.tensors, prefetch(tensors));
    const start = MaskSet.ofBits(linearsOf(layer), bits);
    await store.findOrMake('mask', { strategy }, async (draft) => {
      const { masks, updates, hidden: after } = await run({
        layer, hidden, dense, start: { masks: start }, pattern: unstructured, settings: {},
        common: { granularity: 'block', metric: 'weight-gradient', weights: 'keep-dense' },
        round: (_, values) => values, onProgress: () => undefined,
      });
      for (const subBlock of layer.subBlocks) {
        const [before, made] = [start, masks].map((of) => linearsOf(subBlock).map((linear) => linearMask(of, linear)));
        checkRebuiltMasks(before, made, { granularity: 'block', pattern: unstructured });
      }
      disposeWeights(dense);
      tf.dispose(after);
      await writePrunedLayer(draft, layer, { masks, updates });
      return {};
    });
    return end();
  });
}
