import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { tf } from '../science/engine/index.js';
import { linearsOf, type DecoderLayer } from '../science/models/index.js';
import { checkRebuiltMasks, linearMask, ownSettings, parsePattern, rebuildMethodOf, type Masks } from '../science/methods/index.js';
import type { RebuildEntry } from './result.js';
import { dropOlder } from './drop-older.js';
import { NonFiniteValueError } from './errors.js';
import { densePathOf, isLast } from './hidden-paths.js';
import { readPrunedLayer, writePrunedLayer } from './layer-files.js';
import { numericsOf } from './numerics.js';
import { roundingOf } from './rounding.js';
import { checkFinite } from './tensor-batches.js';
import type { KeyedPath, Path, RebuildInput, RebuildResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Rebuilds the masks of one decoder layer with the stage's strategy, and runs the hidden states through the layer. */
export async function rebuildLayer(input: RebuildInput, bench: Workbench): Promise<RebuildResult> {
  const { context, layer: index, path, stage } = input;
  await bench.engineOf(context);
  const dependsOn = rebuildDependsOn(input);
  const mask = ArtifactStore.key('mask', dependsOn);
  const after = { ...path, masks: [...path.masks, mask] };
  const method = rebuildMethodOf(stage.strategy);
  const settings = ownSettings(method.settings, stage);
  const common = { granularity: stage.granularity, metric: stage.metric, weights: stage.weights };
  const beside = method.needsDensePath?.(settings, common) === true;
  const sideBySide = (along: Path): Path[] => (beside ? [along, densePathOf(along)] : [along]);
  const paths = beside ? 2 : 1;

  await dropOlder(context, bench.store, 'mask', mask);
  const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    const open = await bench.model(context.model);
    const layer = open.model.decoderLayer(index);
    const start = await readPrunedLayer(bench.store, input.start, layer);
    const dense = await bench.layerWeights(open, index);
    const pattern = parsePattern(context.pattern);
    const { run } = await method.load();
    bench.onProgress(`layer ${index}`);
    const entering = await bench.hidden.take(context, path);
    const started = performance.now();
    await bench.hidden.probe(path, entering, { layer, weights: dense, ...start });
    const { hidden, denseHidden, masks, updates, entries: made } = await run({
      layer,
      hidden: entering,
      ...(beside && { denseHidden: await bench.hidden.take(context, densePathOf(path)) }),
      dense, lastUse: true, start, pattern, settings, common, ...context.experts,
      round: roundingOf(open, layer),
      onProgress: (detail) => { bench.onProgress(`layer ${index}, ${detail}`); },
    });
    checkMasks(layer, start.masks, masks, { granularity: stage.granularity, pattern });
    const entries: RebuildEntry[] = made.map((entry) => ({ layer: index, ...entry }));
    disposeWeights(dense);
    checkErrors(entries);
    const states = denseHidden === undefined ? [hidden] : [hidden, denseHidden];
    await checkFinite(states.flat(), `hidden states after layer ${index}`);
    const atMost = (performance.now() - started) / 1000;
    for (const [which, batches] of states.entries()) {
      // The output of the last layer is not used.
      if (isLast(context, index)) tf.dispose(batches);
      else await bench.hidden.put(context, sideBySide(after)[which], batches, { atMost, paths });
    }
    await writePrunedLayer(draft, layer, { masks, updates });
    for (const along of sideBySide(after)) await bench.hidden.ensureDurable(context, along, paths);
    return { entries } as unknown as Json;
  });
  if (isLast(context, index)) for (const along of sideBySide(path)) await bench.hidden.end(context, along);
  const { entries } = manifest.summary as unknown as { entries: RebuildEntry[] };
  return { mask, entries, seconds: manifest.seconds, reused };
}

/** Checks that every group kept its budget. @throws MaskBudgetError, PatternError */
export function checkMasks(layer: DecoderLayer, before: Masks, after: Masks, rules: Parameters<typeof checkRebuiltMasks>[2]): void {
  for (const subBlock of layer.subBlocks) {
    const [old, now] = [before, after].map((of) => linearsOf(subBlock).map((linear) => linearMask(of, linear)));
    checkRebuiltMasks(old, now, rules);
  }
}

/** Checks that all errors are finite. @throws NonFiniteValueError */
export function checkErrors(entries: readonly RebuildEntry[]): void {
  for (const { layer, block, errorBefore, errorAfter } of entries) {
    if (!Number.isFinite(errorBefore + errorAfter)) throw new NonFiniteValueError(`layer ${layer}, ${block}`, errorBefore + errorAfter);
  }
}

/** Everything that determines a layer's rebuilt masks. */
export function rebuildDependsOn({ context, stage, layer, path, start }: Omit<RebuildInput, 'path'> & { path: KeyedPath }): Json {
  const { strategy, granularity, metric, weights } = stage;
  const method = rebuildMethodOf(strategy);
  return {
    ...numericsOf(context),
    ...context.experts,
    version: method.version,
    model: context.model.digest,
    layer,
    tokens: path.tokens.key,
    before: path.masks,
    start,
    pattern: context.pattern,
    settings: { strategy, granularity, metric, weights, ...method.identity(ownSettings(method.settings, stage)) },
  };
}
