import { layerForward } from '../science/methods/index.js';
import { readPrunedLayer } from './layer-files.js';
import { withLayouts } from './sequences.js';
import type { AdvanceInput, UnitResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Takes the hidden states of a path through one more decoder layer, dense or under its mask. */
export async function advanceLayer({ context, layer: index, path, mask, keep = false }: AdvanceInput, bench: Workbench): Promise<UnitResult> {
  await bench.engineOf(context);
  const started = performance.now();
  bench.onProgress(`layer ${index}`);
  const after = { ...path, masks: [...path.masks, mask] };
  const known = await bench.hidden.seconds(context, after);
  if (known !== undefined) return { seconds: known, reused: true };

  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const pruned = mask === null ? {} : await readPrunedLayer(bench.store, mask, layer);
  const weights = await bench.layerWeights(open, index);
  const hidden = await bench.hidden.take(context, path);
  const advanced = await withLayouts(bench.store, path.tokens, (layouts) => layerForward({ layer, hidden, weights, ...layouts, ...pruned }));
  disposeWeights(weights);
  await bench.hidden.put(context, after, advanced);
  if (!keep) await bench.hidden.drop(context, path);
  return { seconds: (performance.now() - started) / 1000, reused: false };
}
