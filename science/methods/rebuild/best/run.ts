import { tf } from '../../../engine/index.js';
import type { RebuildRun, SubBlockEntry } from '../method.js';
import { fitStep } from './fit-step.js';
import type { settings } from './method.js';
import { defaultEffort, recipes, type Effort } from './recipe.js';

/** Fits the sub-blocks of a layer one after the other, then reconstructs the layer as a whole. */
export const run: RebuildRun<typeof settings> = async (request) => {
  const { layer, hidden, dense, start, pattern, round, onProgress } = request;
  const { fit } = recipes[(request.settings.effort ?? defaultEffort) as Effort];
  const masks = new Map(start.masks);
  const updates = new Map<string, Float32Array>();
  const entries: SubBlockEntry[] = [];
  let streams = { hidden, denseHidden: request.denseHidden };
  for (const subBlock of layer.subBlocks) {
    onProgress(`${subBlock.block}, ${fit}`);
    const { state, after, denseAfter, entry } = await fitStep({ subBlock, ...streams, denseShare: Number(process.env['SHARE'] ?? 0.5), dense, start, pattern, how: fit, round });
    tf.dispose([streams.hidden, streams.denseHidden ?? []].flat());
    streams = { hidden: after, denseHidden: denseAfter };
    for (const [name, mask] of state.masks) masks.set(name, mask);
    for (const [name, values] of state.updates ?? []) updates.set(name, values);
    entries.push(entry);
  }
  return { ...streams, masks, updates, entries };
};
