/** What a step of a rebuild from shards reads before it computes: strategy, weights, masks and state. */
import type { Tensor3D } from '../../science/engine/index.js';
import type { DecoderLayer, Weights } from '../../science/models/index.js';
import { layerForward, ownSettings, parsePattern, rebuildMethodOf, type PartRequest, type RebuildParts, type Settings, type StepState } from '../../science/methods/index.js';
import { readPrunedLayer, type PrunedLayer } from '../layer-files.js';
import { roundingOf } from '../rounding.js';
import type { RebuildInput } from '../types.js';
import { disposeWeights } from '../weights.js';
import type { OpenModel, Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { readState } from './step-files.js';
import type { GatherSubBlockInput, ShardedRebuildInput } from './types.js';

/** Returns the parts of a strategy. @throws ShardsError if it has none */
export async function partsOf({ stage }: RebuildInput): Promise<RebuildParts> {
  const { sharded } = rebuildMethodOf(stage.strategy);
  if (sharded === undefined) throw new ShardsError(`rebuild.strategy ${stage.strategy}`);
  return (await sharded.load()).parts;
}

export interface OpenStep {
  layer: DecoderLayer;
  request: PartRequest<Settings>;
  /** From which the step begins. Absent for the first one. */
  state: StepState | undefined;
}

/** Calls `work` with what a step of a sub-block's rebuild needs. Disposes the weights afterwards. */
export async function withStep<T>(input: GatherSubBlockInput, bench: Workbench, work: (step: OpenStep) => Promise<T>): Promise<T> {
  const { context, stage, block, state: key } = input;
  return withLayer(input, bench, async ({ open, layer, dense, pruned: { masks, updates } }) => {
    const subBlock = layer.subBlocks[block];
    const state = key === undefined ? undefined : await readState(bench.store, key, subBlock);
    if (key !== undefined) bench.temporaryCopies.note('mask', key);
    const { granularity, metric, weights } = stage;
    const settings = ownSettings(rebuildMethodOf(stage.strategy).settings, stage);
    return work({ layer, state, request: { subBlock, dense, masks, updates, pattern: parsePattern(context.pattern), common: { granularity, metric, weights }, settings, round: roundingOf(open, layer) } });
  });
}

interface OpenLayer {
  open: OpenModel;
  layer: DecoderLayer;
  dense: Weights;
  pruned: PrunedLayer;
}

/** Calls `work` with a layer's dense weights and its current masks. Disposes the weights afterwards. */
export async function withLayer<T>({ context, layer: index, start, current }: ShardedRebuildInput, bench: Workbench, work: (open: OpenLayer) => Promise<T>): Promise<T> {
  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const pruned = await readPrunedLayer(bench.store, current, layer);
  if (current !== start) bench.temporaryCopies.note('mask', current);
  const dense = await bench.layerWeights(open, index);
  try {
    return await work({ open, layer, dense, pruned });
  } finally {
    disposeWeights(dense);
  }
}

/** Runs the sub-blocks before one under their masks. @returns tensors that the caller disposes */
export async function streamBefore(block: number, { layer, hidden, request: { dense: weights, masks, updates } }: Omit<OpenStep, 'state'> & { hidden: readonly Tensor3D[] }): Promise<Tensor3D[]> {
  if (block === 0) return hidden.map((h) => h.clone());
  return layerForward({ layer: { ...layer, subBlocks: layer.subBlocks.slice(0, block) }, hidden, weights, masks, updates, keepInput: true });
}
