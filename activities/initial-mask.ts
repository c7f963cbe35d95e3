import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { tf, type Tensor3D } from '../science/engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../science/models/index.js';
import {
  allocationMethodOf, checkInitialMask, checkPattern, initialMethodOf, disposeMasks, keptWeights, layerForward, linearMask, MaskSet, ownSettings, parsePattern,
  type InitialRequest, type InitialResult, type LayerForward, type Masks, type MaskTarget, type Settings,
} from '../science/methods/index.js';
import type { Allocation } from '../app/config/pipeline.js';
import { allocatedBudgets } from './allocation.js';
import { dropOlder } from './drop-older.js';
import { isLast } from './hidden-paths.js';
import { checkUnchanged } from './input-digest.js';
import { writePrunedLayer, type PrunedLayer } from './layer-files.js';
import { maskSourceDigests, maskSourceFiles, readMaskSource, type MaskSource } from './mask-source.js';
import { numericsOf } from './numerics.js';
import type { InitialMaskEntry } from './result.js';
import { roundingOf } from './rounding.js';
import type { ArtifactKey, InitialMaskInput, InitialMaskResult, KeyedPath, Path, RunContext, TokensRef } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Returns the target for a linear's mask. */
type TargetOf = (linear: LinearSpec) => MaskTarget;

/** The initial masks of a layer, with entries for the report. */
interface Made {
  pruned: PrunedLayer;
  entries: InitialMaskEntry[];
}

/** How a layer's masks are made, whether one worker reads all windows or each shard is read separately. */
export interface MaskSteps {
  /** Chooses the masks. @param request what the method needs besides hidden states */
  choose: (request: Omit<InitialRequest<Settings>, 'hidden'>) => Promise<InitialResult>;
  /** Further work with the masks, while the layer's weights are in memory. */
  onMasks?: (layer: Omit<LayerForward, 'hidden'>) => Promise<void>;
  /** Called after the masks are written, before they are published. @returns further fields for the manifest's summary */
  onWritten?: () => Promise<{ [key: string]: Json }>;
}

/** Makes the initial mask of one decoder layer with the stage's method. */
export async function makeInitialMask(given: InitialMaskInput, bench: Workbench): Promise<InitialMaskResult> {
  const input = withoutUnusedInputs(given);
  const { context, layer: index, path, stage } = input;
  const dependsOn = maskDependsOn(input);
  const mask = ArtifactStore.key('mask', dependsOn);
  let hidden: Tensor3D[] = [];
  const made = await findOrChoose(input, dependsOn, bench, {
    choose: async (request) => {
      const { run } = await initialMethodOf(stage.method).load();
      if (path !== undefined) hidden = await bench.hidden.take(context, path);
      return run({ ...request, hidden });
    },
    onMasks: async (layer) => {
      // The output of the last layer is not used.
      if (path === undefined || isLast(context, index)) tf.dispose(hidden);
      else await bench.hidden.put(context, after(path, mask), await bench.hidden.forward(path, 'without weights', () => layerForward({ ...layer, hidden, lastUse: true })));
    },
    onWritten: async () => {
      if (path !== undefined) await bench.hidden.ensureDurable(context, after(path, mask));
      return {};
    },
  });
  if (path !== undefined && isLast(context, index)) await bench.hidden.end(context, path);
  return made;
}

/** Finds the initial mask of one decoder layer in the store, or chooses, checks and stores it. */
export async function findOrChoose(input: InitialMaskInput, dependsOn: Json, bench: Workbench, { choose, onMasks, onWritten }: MaskSteps): Promise<InitialMaskResult> {
  const { context, layer: index } = input;
  await bench.engineOf(context);
  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const pattern = parsePattern(context.pattern);
  const mask = ArtifactStore.key('mask', dependsOn);

  await dropOlder(context, bench.store, 'mask', mask);
  const made = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    bench.onProgress(`layer ${index}`);
    const budgets = await budgetsOf(input, bench);
    const targetOf = ({ name }: LinearSpec): MaskTarget => ({ sparsity: context.sparsity, pattern, ...(budgets && { pruned: budgets.get(name) }) });
    const { pruned, entries } = await prune(input, layer, targetOf, bench, { choose, onMasks });
    const { groups } = initialMethodOf(input.stage.method);
    for (const linear of linearsOf(layer)) {
      const made = linearMask(pruned.masks, linear);
      // A mask from a file has its own budgets, so only its pattern is checked.
      if (groups === undefined) checkPattern(made, pattern);
      else checkInitialMask(made, targetOf(linear), groups);
    }
    await writePrunedLayer(draft, layer, pruned);
    return { ...countKept(layer, pruned.masks), entries, ...(await onWritten?.()) } as unknown as Json;
  });
  const { kept, pruned, entries, gathering = 0 } = made.manifest.summary as unknown as Summary;
  // The gathering activities report their own seconds. They are added only if the mask was found and nothing was gathered.
  const seconds = made.manifest.seconds + (made.reused ? gathering : 0);
  return { mask, entries, sparsity: pruned / (kept + pruned), seconds, reused: made.reused };
}

interface Summary extends ReturnType<typeof countKept> {
  entries: InitialMaskEntry[];
  /** Seconds that other activities took to gather the sums of shards; absent without shards. */
  gathering?: number;
}

function after(path: Path, mask: ArtifactKey): Path {
  return { ...path, masks: [...path.masks, mask] };
}

/** Removes the calibration from the input of masks that need no hidden states, and of budgets that need no scores. */
function withoutUnusedInputs({ path, scoredOn, ...input }: InitialMaskInput): InitialMaskInput {
  const { method, allocation } = input.stage;
  const scored = allocation !== undefined && allocationMethodOf(allocation.method).needs !== 'nothing';
  return {
    ...input,
    ...(path !== undefined && initialMethodOf(method).needs === 'hidden-states' && { path }),
    ...(scoredOn !== undefined && scored && { scoredOn }),
  };
}

/** Returns the number of weights to prune in each linear, if there is an allocation. */
async function budgetsOf({ context, stage, scoredOn }: InitialMaskInput, bench: Workbench): Promise<Map<string, number> | undefined> {
  return stage.allocation && allocatedBudgets(context, stage.allocation, scoredOn, bench);
}

/** Everything that determines a layer's initial masks. */
export function maskDependsOn({ context, stage, layer, path, scoredOn }: Omit<InitialMaskInput, 'path'> & { path?: KeyedPath }): Json {
  const method = initialMethodOf(stage.method);
  const calibrated = path === undefined ? {} : { ...numericsOf(context), ...context.experts, tokens: path.tokens.key, before: path.masks };
  return {
    version: method.version,
    model: context.model.digest,
    layer,
    method: stage.method,
    ...method.identity(ownSettings(method.settings, stage)),
    ...(method.needs === 'source' && { source: maskSourceDigests(context, stage.source ?? '') }),
    pattern: context.pattern,
    ...(stage.allocation && { allocation: allocationDependsOn(stage.allocation, context, scoredOn) }),
    sparsity: method.needs === 'source' ? undefined : context.sparsity,
    ...calibrated,
  };
}

/** Everything that determines the budgets of all linears, besides the model and the sparsity. */
function allocationDependsOn(allocation: Allocation, context: RunContext, scoredOn: TokensRef | undefined): Json {
  const method = allocationMethodOf(allocation.method);
  const scored = scoredOn === undefined ? {} : { ...numericsOf(context), ...context.experts, tokens: scoredOn.key };
  return { method: allocation.method, ...method.identity(ownSettings(method.settings, allocation)), scores: method.version, ...scored };
}

async function prune({ context, stage }: InitialMaskInput, layer: DecoderLayer, targetOf: TargetOf, bench: Workbench, { choose, onMasks }: MaskSteps): Promise<Made> {
  const open = await bench.model(context.model);
  const weights = await bench.layerWeights(open, layer.index);
  try {
    const { masks, updates = new Map<string, Float32Array>(), notes = [] } = await choose({
      layer, weights, targetOf, settings: ownSettings(initialMethodOf(stage.method).settings, stage),
      ...context.experts,
      round: roundingOf(open, layer),
      readSource: () => readSource(context, stage.source ?? '', layer, bench),
      onProgress: (detail) => { bench.onProgress(`layer ${layer.index}, ${detail}`); },
    });
    try {
      await onMasks?.({ layer, weights, masks, updates });
      return { pruned: { masks: masks instanceof MaskSet ? masks.downloaded() : masks, updates }, entries: notes.map((note) => ({ layer: layer.index, ...note })) };
    } finally {
      disposeMasks(masks);
    }
  } finally {
    disposeWeights(weights);
  }
}

/** Reads the masks of a source. Its files must be unchanged since `prepareRun`. */
async function readSource(context: InitialMaskInput['context'], source: string, layer: DecoderLayer, bench: Workbench): Promise<MaskSource> {
  await bench.allowed.check('initialMask.source', source);
  const found = await readMaskSource(source, linearsOf(layer));
  await checkUnchanged(context, (await maskSourceFiles(source)).map((file) => ({ file, name: file })), bench);
  return found;
}

function countKept(layer: DecoderLayer, masks: Masks): { kept: number; pruned: number } {
  const linears = linearsOf(layer).map((linear) => keptWeights(linearMask(masks, linear)));
  const sum = (key: 'kept' | 'size'): number => linears.reduce((total, linear) => total + linear[key], 0);
  return { kept: sum('kept'), pruned: sum('size') - sum('kept') };
}
