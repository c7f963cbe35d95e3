import { writePrunedLayer } from '../../../activities/layer-files.js';
import { disposeWeights, toTensors } from '../../../activities/weights.js';
import type { ArtifactStore } from '../../../files/artifacts/index.js';
import { prefetch } from '../../../files/checkpoints/index.js';
import { inTensorScope, startLedger, tf, type Tensor3D, type Traffic } from '../../../science/engine/index.js';
import { linearsOf } from '../../../science/models/index.js';
import { checkRebuiltMasks, linearMask, MaskSet, rebuildMethodOf, unstructured, type RebuildStrategy } from '../../../science/methods/index.js';
import type { LayerCase } from './layer-case.js';

const windows = { samples: 4, time: 256, perBatch: 1 };

/** A layer of a run, as activities/rebuild.ts does it. @returns what it took, without the hidden states */
export async function rebuildOnce({ model, tensors, bits }: LayerCase, strategy: RebuildStrategy, store: ArtifactStore): Promise<Traffic> {
  const layer = model.decoderLayer(0);
  const { run } = await rebuildMethodOf(strategy).load();
  return inTensorScope(async () => {
    // Random numbers are made on the host, and go up with the first operation on them.
    const hidden = Array.from({ length: windows.samples / windows.perBatch }, (_, index) =>
      tf.tidy(() => tf.randomNormal<Tensor3D['rankType']>([windows.perBatch, windows.time, model.hiddenSize], 0, 1, 'float32', index + 1).mul<Tensor3D>(1)));
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
