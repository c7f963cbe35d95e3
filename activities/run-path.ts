import { tf, type Tensor3D } from '../science/engine/index.js';
import { sequenceLayout } from '../science/models/index.js';
import { layerForward } from '../science/methods/index.js';
import { readPrunedLayer } from './layer-files.js';
import { readSequences, withLayouts } from './sequences.js';
import type { Path, RunContext } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Returns the hidden states before the first layer. @throws ArtifactLostError if the tokens are gone */
export async function embed(context: RunContext, { tokens }: Path, bench: Workbench): Promise<Tensor3D[]> {
  const open = await bench.model(context.model);
  const sequences = await readSequences(bench.store, tokens, context.sequencesPerBatch);
  const weights = await bench.weights(open, open.model.embeddingTensors);
  const batches = sequences.map(({ ids, count, time, tails }) =>
    tf.tidy(() => open.model.embed(tf.tensor2d(ids, [count, time], 'int32'), weights, sequenceLayout(tails, [count, time]))),
  );
  disposeWeights(weights);
  return batches;
}

/** Runs one layer of a path, dense or under its mask. Takes ownership of the tensors. @throws ArtifactLostError if the mask is gone */
export async function runLayer(context: RunContext, { tokens, masks }: Path, layer: number, hidden: Tensor3D[], bench: Workbench): Promise<Tensor3D[]> {
  const open = await bench.model(context.model);
  const decoderLayer = open.model.decoderLayer(layer);
  const mask = masks[layer];
  const pruned = mask === null || mask === undefined ? {} : await readPrunedLayer(bench.store, mask, decoderLayer);
  const weights = await bench.layerWeights(open, layer);
  const after = await withLayouts(bench.store, tokens, (layouts) => layerForward({ layer: decoderLayer, hidden, weights, lastUse: true, ...layouts, ...pruned }));
  disposeWeights(weights);
  return after;
}
