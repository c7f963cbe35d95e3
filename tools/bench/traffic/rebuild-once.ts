import type { ArtifactStore } from '../../../files/artifacts/index.js';
import type { Traffic } from '../../../science/engine/index.js';
import { linearsOf } from '../../../science/models/index.js';
import { checkRebuiltMasks, linearMask, MaskSet, rebuildMethodOf, unstructured, type RebuildStrategy } from '../../../science/methods/index.js';
import type { LayerCase } from './layer-case.js';
import { layerOnce } from './layer-once.js';

/** Rebuilds a layer as activities/rebuild.ts does. @returns the traffic, without the hidden states */
export async function rebuildOnce(made: LayerCase, strategy: RebuildStrategy, store: ArtifactStore): Promise<Traffic> {
  const { run } = await rebuildMethodOf(strategy).load();
  return layerOnce(made, strategy, store, async ({ layer, hidden, weights }) => {
    const start = MaskSet.ofBits(linearsOf(layer), made.bits);
    const { masks, updates } = await run({
      layer, hidden, dense: weights, start: { masks: start }, pattern: unstructured, settings: {},
      common: { granularity: 'block', metric: 'weight-gradient', weights: 'keep-dense' },
      round: (_, values) => values, onProgress: () => undefined,
    });
    for (const subBlock of layer.subBlocks) {
      const [before, after] = [start, masks].map((of) => linearsOf(subBlock).map((linear) => linearMask(of, linear)));
      checkRebuiltMasks(before, after, { granularity: 'block', pattern: unstructured });
    }
    return { masks, updates };
  });
}
