import type { ArtifactStore } from '../../../files/artifacts/index.js';
import type { Traffic } from '../../../science/engine/index.js';
import { initialMethodOf, unstructured, type InitialMethodName } from '../../../science/methods/index.js';
import type { LayerCase } from './layer-case.js';
import { layerOnce } from './layer-once.js';

/** Makes a layer's initial mask as activities/initial-mask.ts does. @returns the traffic, without the hidden states */
export async function initialOnce(made: LayerCase, method: InitialMethodName, store: ArtifactStore): Promise<Traffic> {
  const { run } = await initialMethodOf(method).load();
  return layerOnce(made, method, store, async (on) => ({
    updates: new Map(),
    ...(await run({
      ...on, targetOf: () => ({ sparsity: 0.5, pattern: unstructured }), settings: {},
      round: (_, values) => values, readSource: () => Promise.reject(new Error('no source')), onProgress: () => undefined,
    })),
  }));
}
