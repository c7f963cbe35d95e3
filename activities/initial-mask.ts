import { ArtifactStore, type Json } from '../artifacts/index.js';
import { tf, type Tensor, type Tensor3D } from '../engine/index.js';
import type { DecoderLayer, LinearSpec } from '../models/index.js';
import { checkInitialMask, checkPattern, InputNorms, layerForward, magnitudeMask, parsePattern, wandaMask, type MaskTarget } from '../pruning/index.js';
import { linearsOf, writeLayerMask, type LayerMask } from './layer-files.js';
import { readMaskSource } from './mask-source.js';
import { numericsOf, numericsVersion } from './numerics.js';
import type { ArtifactKey, InitialMaskInput, MaskResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Makes the first mask of one decoder layer: by magnitude, by Wanda, or from a file made elsewhere. */
export async function makeInitialMask(input: InitialMaskInput, bench: Workbench): Promise<MaskResult> {
  const { context, layer: index } = input;
  await bench.engineOf(context);
  const open = await bench.model(context.model.source);
  const layer = open.model.decoderLayer(index);
  const target = { sparsity: context.sparsity, pattern: parsePattern(context.pattern) };
  const dependsOn = maskDependsOn(input);
  const mask = ArtifactStore.key('mask', dependsOn);

  const made = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    bench.onProgress(`layer ${index}`);
    const masks = await makeMasks(input, mask, layer, target, bench);
    for (const { name, shape } of linearsOf(layer)) {
      const made = { name, shape, mask: masks.get(name) ?? new Uint8Array(0) };
      // A mask of somebody else's keeps its own budget; only its pattern was promised.
      if (input.stage.method === 'file') checkPattern(made, target.pattern);
      else checkInitialMask(made, target, input.stage.method === 'wanda' ? 'output' : 'layer');
    }
    await writeLayerMask(draft, layer, masks);
    return summarize(masks);
  });
  if (input.path !== undefined) await bench.hidden.drop(context, input.path);
  return { mask, seconds: made.manifest.seconds, reused: made.reused };
}

function maskDependsOn({ context, stage, layer, path }: InitialMaskInput): Json {
  const calibrated = path === undefined ? {} : { ...numericsOf(context), tokens: path.tokens.key, before: path.masks };
  return {
    version: numericsVersion.initialMask,
    model: context.model.digest,
    layer,
    method: stage.method,
    ...(stage.source === undefined ? {} : { source: context.files[stage.source] }),
    pattern: context.pattern,
    sparsity: stage.method === 'file' ? undefined : context.sparsity,
    ...calibrated,
  };
}

async function makeMasks(
  { context, stage, path }: InitialMaskInput,
  key: ArtifactKey,
  layer: DecoderLayer,
  target: MaskTarget,
  bench: Workbench,
): Promise<LayerMask> {
  if (stage.method === 'file') return readMaskSource(stage.source ?? '', linearsOf(layer));

  const open = await bench.model(context.model.source);
  const weights = await bench.layerWeights(open, layer.index);
  try {
    if (stage.method === 'magnitude' || path === undefined) {
      return await eachLinear(layer, async (linear) => magnitudeMask(await valuesOf(weights, linear), linear.shape, target, linear.name));
    }
    const { masks, pruned } = await wanda(layer, weights, await bench.hidden.take(context, path), target);
    await bench.hidden.put(context, { ...path, masks: [...path.masks, key] }, pruned);
    return masks;
  } finally {
    disposeWeights(weights);
  }
}

/**
 * Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense, on inputs that came
 * through the pruned layers before it; then the layer runs again under its mask, for the next one.
 */
async function wanda(
  layer: DecoderLayer,
  weights: ReadonlyMap<string, Tensor>,
  hidden: Tensor3D[],
  target: MaskTarget,
): Promise<{ masks: LayerMask; pruned: Tensor3D[] }> {
  const norms = new InputNorms();
  const dense = await layerForward({
    layer,
    hidden,
    weights,
    keepInput: true,
    onInput: norms.add,
  });
  tf.dispose(dense);
  const masks = await eachLinear(layer, async (linear) =>
    wandaMask(await valuesOf(weights, linear), norms.norms(linear.name), linear.shape, target, linear.name),
  );
  return { masks, pruned: await layerForward({ layer, hidden, weights, masks }) };
}

async function eachLinear(layer: DecoderLayer, make: (linear: LinearSpec) => Promise<Uint8Array>): Promise<LayerMask> {
  const masks: LayerMask = new Map();
  for (const linear of linearsOf(layer)) masks.set(linear.name, await make(linear));
  return masks;
}

async function valuesOf(weights: ReadonlyMap<string, Tensor>, linear: LinearSpec): Promise<Float32Array> {
  return (await weights.get(linear.name)?.data()) as Float32Array;
}

function summarize(masks: LayerMask): Json {
  let kept = 0;
  let size = 0;
  for (const mask of masks.values()) {
    size += mask.length;
    for (const bit of mask) kept += bit;
  }
  return { kept, pruned: size - kept };
}
