/** What the steps of a layer's rebuild from shards have open: strategy, weights, masks, and the windows of shards. */
import type { Tensor3D } from '../../science/engine/index.js';
import { ownSettings, parsePattern, rebuildMethodOf, type PartRequest, type RebuildParts, type Settings } from '../../science/methods/index.js';
import { readPrunedLayer } from '../layer-files.js';
import { roundingOf } from '../rounding.js';
import type { Path, RebuildInput } from '../types.js';
import type { Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { advanceTo } from './gather.js';
import type { WindowsBefore } from './open-layer.js';
import { currentMasks, layerKey } from './rebuild-keys.js';
import type { ShardedRebuildInput } from './types.js';
import { ownWindows, wholePath } from './whole-path.js';

/** Returns the parts of a strategy. @throws ShardsError if it has none */
export async function partsOf({ stage }: RebuildInput): Promise<RebuildParts> {
  const { sharded } = rebuildMethodOf(stage.strategy);
  if (sharded === undefined) throw new ShardsError(`rebuild.strategy ${stage.strategy}`);
  return (await sharded.load()).parts;
}

/** What the rebuild of each sub-block of a layer needs under the layer's current masks. */
export interface OpenSteps {
  parts: RebuildParts;
  requestOf: (block: number) => PartRequest<Settings>;
}

/** Reads a layer's current masks, and its weights unless they are in memory. The weights belong to the workbench. @throws ShardsError */
export async function openSteps(input: ShardedRebuildInput, bench: Workbench): Promise<OpenSteps> {
  const { context, stage, layer: index, start } = input;
  const parts = await partsOf(input);
  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const current = currentMasks(input);
  const { masks, updates } = await readPrunedLayer(bench.store, current, layer);
  if (current !== start) bench.temporaryCopies.note('mask', current);
  const dense = await bench.openLayer.weights(`${context.model.digest} ${index}`, () => bench.layerWeights(open, index));
  const { granularity, metric, weights } = stage;
  const common = { dense, masks, updates, pattern: parsePattern(context.pattern), common: { granularity, metric, weights }, settings: ownSettings(rebuildMethodOf(stage.strategy).settings, stage), round: roundingOf(open, layer) };
  return { parts, requestOf: (block) => ({ subBlock: layer.subBlocks[block], ...common }) };
}

/**
 * Returns a shard's windows before a sub-block: goes on from the ones that are open, or from the beginning of the layer. The caller disposes
 * them.
 * @throws ShardsError, and ArtifactLostError if an artifact is gone
 */
export async function windowsBefore(block: number, input: ShardedRebuildInput, bench: Workbench): Promise<{ steps: OpenSteps; before: WindowsBefore }> {
  const { context, path } = input;
  const opened = bench.openLayer.take(path.tokens, layerKey(input, ...wholePath(path)), block);
  if (opened !== undefined) {
    const steps = await openSteps(input, bench).catch((fault: unknown) => {
      opened.windows.dispose();
      throw fault;
    });
    return { steps, before: await goOn(opened, block, path, steps) };
  }
  await advanceTo(context, path, bench);
  const hidden = await bench.hidden.take(context, path);
  const steps = await openSteps(input, bench);
  const windows = await steps.parts.open({ ...steps.requestOf(0), hidden, own: ownWindows(path) });
  return { steps, before: await goOn({ block: 0, windows, finished: [] }, block, path, steps) };
}

/** Runs open windows through the sub-blocks before one. */
async function goOn(opened: WindowsBefore, block: number, path: Path, steps: OpenSteps): Promise<WindowsBefore> {
  let before = opened;
  while (before.block < block) {
    const { hidden, finished } = await finishBlock(before, steps);
    const next = before.block + 1;
    before = { block: next, windows: await steps.parts.open({ ...steps.requestOf(next), hidden, own: ownWindows(path) }), finished };
  }
  return before;
}

/** Runs windows through the sub-block that they are before. Disposes the windows. */
export async function finishBlock({ block, windows, finished }: WindowsBefore, { parts, requestOf }: OpenSteps): Promise<Pick<WindowsBefore, 'finished'> & { hidden: Tensor3D[] }> {
  const started = performance.now();
  const { hidden, error } = await parts.finish(requestOf(block), windows);
  return { hidden, finished: [...finished, { error, seconds: (performance.now() - started) / 1000 }] };
}
