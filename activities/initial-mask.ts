import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { roundToDtype } from '../files/checkpoints/index.js';
import { tf, type Tensor, type Tensor3D } from '../science/engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../science/models/index.js';
import {
  checkInitialMask, checkPattern, defaultSpread, factorHessian, HessianSum, InputNorms, layerForward, magnitudeMask, parsePattern, sparseGpt, wandaMask,
  type HessianFactor, type MaskTarget,
} from '../science/methods/index.js';
import { allocatedBudgets } from './allocation.js';
import { dropOlder } from './drop-older.js';
import { dtypesOf } from './dtypes.js';
import { NonFiniteValueError } from './errors.js';
import { checkUnchanged } from './input-digest.js';
import { writePrunedLayer, type LayerMask, type PrunedLayer } from './layer-files.js';
import { maskSourceDigests, maskSourceFiles, readMaskSource } from './mask-source.js';
import { numericsOf, numericsVersion } from './numerics.js';
import type { InitialMaskEntry } from './result.js';
import type { ArtifactKey, InitialMaskInput, InitialMaskResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** What a linear's mask must reach. */
type TargetOf = (linear: LinearSpec) => MaskTarget;

/** What shares a budget where the pattern is unstructured. */
const budgetGroups = { magnitude: 'layer', wanda: 'output', sparsegpt: 'columns' } as const;

/** Share of the Hessian's mean diagonal that SparseGPT adds to it, as its authors do. */
const defaultDamping = 0.01;

/** A layer's first masks, and what of its making is worth telling. */
interface Made {
  pruned: PrunedLayer;
  entries: InitialMaskEntry[];
}

/** Makes the first mask of one decoder layer: by magnitude, Wanda or SparseGPT, or from a file made elsewhere. */
export async function makeInitialMask(input: InitialMaskInput, bench: Workbench): Promise<InitialMaskResult> {
  const { context, layer: index } = input;
  await bench.engineOf(context);
  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const pattern = parsePattern(context.pattern);
  const dependsOn = maskDependsOn(input);
  const mask = ArtifactStore.key('mask', dependsOn);

  await dropOlder(context, bench.store, 'mask', mask);
  const made = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    bench.onProgress(`layer ${index}`);
    const budgets = await budgetsOf(input, bench);
    const targetOf = ({ name }: LinearSpec): MaskTarget => ({ sparsity: context.sparsity, pattern, ...(budgets && { pruned: budgets.get(name) }) });
    const { pruned, entries } = await prune(input, mask, layer, targetOf, bench);
    for (const linear of linearsOf(layer)) {
      const { name, shape } = linear;
      const made = { name, shape, mask: pruned.masks.get(name) ?? new Uint8Array(0) };
      // A mask of somebody else's keeps its own budget; only its pattern was promised.
      if (input.stage.method === 'file') checkPattern(made, pattern);
      else checkInitialMask(made, targetOf(linear), budgetGroups[input.stage.method]);
    }
    await writePrunedLayer(draft, layer, pruned);
    return { ...countKept(pruned.masks), entries } as unknown as Json;
  });
  if (input.path !== undefined) await bench.hidden.drop(context, input.path);
  const { kept, pruned, entries } = made.manifest.summary as unknown as ReturnType<typeof countKept> & { entries: InitialMaskEntry[] };
  return { mask, entries, sparsity: pruned / (kept + pruned), seconds: made.manifest.seconds, reused: made.reused };
}

/** How many weights each linear loses, where an allocation says so. */
async function budgetsOf({ context, stage, scoredOn }: InitialMaskInput, bench: Workbench): Promise<Map<string, number> | undefined> {
  if (stage.allocation === undefined || scoredOn === undefined) return undefined;
  return allocatedBudgets(context, stage.allocation, scoredOn, bench);
}

/** Everything that a layer's first masks follow from. */
export function maskDependsOn({ context, stage, layer, path, scoredOn }: InitialMaskInput): Json {
  const calibrated = path === undefined ? {} : { ...numericsOf(context), tokens: path.tokens.key, before: path.masks };
  return {
    version: numericsVersion.initialMask,
    model: context.model.digest,
    layer,
    method: stage.method,
    ...(stage.method === 'sparsegpt' && { damping: stage.damping ?? defaultDamping }),
    ...(stage.method === 'file' && { source: maskSourceDigests(context, stage.source ?? '') }),
    pattern: context.pattern,
    ...(scoredOn && { allocation: { ...stage.allocation, spread: stage.allocation?.spread ?? defaultSpread[stage.allocation?.method ?? 'uniform'], ...numericsOf(context), scores: numericsVersion.scores, tokens: scoredOn.key } }),
    sparsity: stage.method === 'file' ? undefined : context.sparsity,
    ...calibrated,
  };
}

async function prune({ context, stage, path }: InitialMaskInput, key: ArtifactKey, layer: DecoderLayer, targetOf: TargetOf, bench: Workbench): Promise<Made> {
  const open = await bench.model(context.model);
  const weights = await bench.layerWeights(open, layer.index);
  try {
    if (stage.method === 'file') await bench.allowed.check('initialMask.source', stage.source ?? '');
    if (stage.method === 'file') {
      const source = stage.source ?? '';
      const pruned = await fromFile(source, layer, weights);
      await checkUnchanged(context, (await maskSourceFiles(source)).map((file) => ({ file, name: file })), bench);
      return { pruned, entries: [] };
    }
    if (stage.method === 'magnitude' || path === undefined) {
      const masks = await eachLinear(layer, async (linear) => magnitudeMask(await valuesOf(weights, linear), linear.shape, targetOf(linear), linear.name));
      return { pruned: { masks, updates: new Map() }, entries: [] };
    }
    const hidden = await bench.hidden.take(context, path);
    const made =
      stage.method === 'wanda'
        ? await wanda(layer, weights, hidden, targetOf)
        : await sparseGptLayer(layer, weights, hidden, targetOf, { damping: stage.damping ?? defaultDamping, dtypes: dtypesOf(open, layer), onLinear: bench.onProgress });
    const after = await layerForward({ layer, hidden, weights, ...made.pruned });
    await bench.hidden.put(context, { ...path, masks: [...path.masks, key] }, after);
    return made;
  } finally {
    disposeWeights(weights);
  }
}

/** A mask made elsewhere, and the values of a checkpoint made elsewhere where its kept weights are not the model's. */
async function fromFile(source: string, layer: DecoderLayer, weights: ReadonlyMap<string, Tensor>): Promise<PrunedLayer> {
  const { masks, values } = await readMaskSource(source, linearsOf(layer));
  const updates = new Map<string, Float32Array>();
  for (const linear of linearsOf(layer)) {
    const found = values.get(linear.name);
    const mask = masks.get(linear.name);
    if (found === undefined || mask === undefined) continue;
    const dense = await valuesOf(weights, linear);
    if (found.some((value, i) => mask[i] === 1 && value !== dense[i])) updates.set(linear.name, found);
  }
  return { masks, updates };
}

/** Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense. */
async function wanda(layer: DecoderLayer, weights: ReadonlyMap<string, Tensor>, hidden: Tensor3D[], targetOf: TargetOf): Promise<Made> {
  const norms = new InputNorms();
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
  const masks = await eachLinear(layer, async (linear) =>
    wandaMask(await valuesOf(weights, linear), norms.norms(linear.name), linear.shape, targetOf(linear), linear.name),
  );
  return { pruned: { masks, updates: new Map() }, entries: [] };
}

interface SparseGptSettings {
  damping: number;
  /** The checkpoint's dtypes by linear: updated weights are rounded to what will be written. */
  dtypes: ReadonlyMap<string, string>;
  onLinear: (detail: string) => void;
}

/** SparseGPT (Frantar and Alistarh 2023): Hessians of all linears from one forward of the layer while it is dense. */
async function sparseGptLayer(
  layer: DecoderLayer,
  weights: ReadonlyMap<string, Tensor>,
  hidden: Tensor3D[],
  targetOf: TargetOf,
  { damping, dtypes, onLinear }: SparseGptSettings,
): Promise<Made> {
  const hessians = new HessianSum();
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: hessians.add }));
  const updates = new Map<string, Float32Array>();
  const entries: InitialMaskEntry[] = [];
  let shared: { hessian: Float64Array; factor: HessianFactor } | undefined;
  const masks = await eachLinear(layer, async (linear) => {
    const { name, shape } = linear;
    onLinear(`layer ${layer.index}, ${name}`);
    const hessian = hessians.of(name);
    // Linears that read the same input have the same Hessian, and factoring it is the dearest part.
    if (shared?.hessian !== hessian) shared = { hessian, factor: await factorHessian(hessian, shape[1], damping, name) };
    const made = await sparseGpt({ weight: await valuesOf(weights, linear), shape, hessian: shared.factor, target: targetOf(linear), name });
    const updated = roundToDtype(dtypes.get(name) ?? 'F32', made.weight);
    const wrong = updated.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) throw new NonFiniteValueError(`updated weight of ${name} as ${dtypes.get(name) ?? 'F32'}`, wrong);
    updates.set(name, updated);
    if (made.damping > damping || made.dead > 0) entries.push({ layer: layer.index, linear: name, damping: made.damping, deadInputs: made.dead });
    return made.mask;
  });
  return { pruned: { masks, updates }, entries };
}

async function eachLinear(layer: DecoderLayer, make: (linear: LinearSpec) => Promise<Uint8Array>): Promise<LayerMask> {
  const masks: LayerMask = new Map();
  for (const linear of linearsOf(layer)) masks.set(linear.name, await make(linear));
  return masks;
}

async function valuesOf(weights: ReadonlyMap<string, Tensor>, linear: LinearSpec): Promise<Float32Array> {
  return (await weights.get(linear.name)?.data()) as Float32Array;
}

function countKept(masks: LayerMask): { kept: number; pruned: number } {
  let kept = 0;
  let size = 0;
  for (const mask of masks.values()) {
    size += mask.length;
    for (const bit of mask) kept += bit;
  }
  return { kept, pruned: size - kept };
}
