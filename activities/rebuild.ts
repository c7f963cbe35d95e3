import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { roundToDtype } from '../files/checkpoints/index.js';
import type { RebuildStage } from '../app/config/pipeline.js';
import { linearsOf, type SubBlock } from '../science/models/index.js';
import {
  checkRebuiltMasks, guardDefaults, guardedRebuild, parsePattern, rebuildSubBlock,
  type GuardedRebuild, type GuardRefit, type LinearMask, type Masks, type SubBlockRebuild, type SubBlockResult,
} from '../science/methods/index.js';
import type { RebuildEntry } from './result.js';
import { dropOlder } from './drop-older.js';
import { dtypesOf } from './dtypes.js';
import { NonFiniteValueError } from './errors.js';
import { readPrunedLayer, writePrunedLayer } from './layer-files.js';
import { numericsOf, numericsVersion } from './numerics.js';
import type { RebuildInput, RebuildResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Share of the found swaps that a rebuild makes where it is not told one. */
const wholeRatio = 1;

/** Rebuilds the mask of one decoder layer, attention then MLP (LLM-Barber, Su et al. 2024), and runs it on. */
export async function rebuildLayer(input: RebuildInput, bench: Workbench): Promise<RebuildResult> {
  const { context, layer: index, path } = input;
  await bench.engineOf(context);
  const dependsOn = rebuildDependsOn(input);
  const mask = ArtifactStore.key('mask', dependsOn);
  const after = { ...path, masks: [...path.masks, mask] };

  await dropOlder(context, bench.store, 'mask', mask);
  const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    const open = await bench.model(context.model);
    const layer = open.model.decoderLayer(index);
    const start = await readPrunedLayer(bench.store, input.start, layer);
    const dense = await bench.layerWeights(open, index);
    const { granularity, metric, weights, ratio = wholeRatio } = input.stage;
    const settings = { granularity, metric, weights, ratio, pattern: parsePattern(context.pattern) };

    const dtypes = dtypesOf(open, layer);
    const round = (linear: string, values: Float32Array): Float32Array => roundToDtype(dtypes.get(linear) ?? 'F32', values);

    let hidden = await bench.hidden.take(context, path);
    const masks = new Map(start.masks);
    const updates = new Map<string, Float32Array>();
    const entries: RebuildEntry[] = [];
    for (const subBlock of layer.subBlocks) {
      const where = `layer ${index}, ${subBlock.block}`;
      bench.onProgress(where);
      const rebuild = rebuildBy(input.stage, { onDecision: (decision) => { bench.onProgress(`${where}, ${decision}`); }, round });
      const rebuilt = await rebuild({ subBlock, hidden, dense, ...start, settings });
      hidden = rebuilt.hidden;
      checkRebuiltMasks(linearMasks(subBlock, start.masks), linearMasks(subBlock, rebuilt.masks), settings);
      for (const [name, newMask] of rebuilt.masks) masks.set(name, newMask);
      for (const [name, values] of rebuilt.updates ?? []) updates.set(name, values);
      entries.push({ layer: index, block: subBlock.block, ...rebuilt.report });
    }
    disposeWeights(dense);
    for (const { block, errorBefore, errorAfter } of entries) {
      if (!Number.isFinite(errorBefore + errorAfter)) throw new NonFiniteValueError(`layer ${index}, ${block}`, errorBefore + errorAfter);
    }
    await bench.hidden.put(context, after, hidden);
    await writePrunedLayer(draft, layer, { masks, updates });
    return { entries } as unknown as Json;
  });
  await bench.hidden.drop(context, path);
  const { entries } = manifest.summary as unknown as { entries: RebuildEntry[] };
  return { mask, entries, seconds: manifest.seconds, reused };
}

/** What is kept of a sub-block's rebuild besides the masks. */
type Report = Omit<RebuildEntry, 'layer' | 'block'>;
type Rebuild = (request: SubBlockRebuild) => Promise<Omit<SubBlockResult, 'report'> & { report: Report }>;

interface Surroundings extends Pick<GuardedRebuild, 'round'> {
  /** Told what a guarded rebuild has just decided. */
  onDecision: (decision: string) => void;
}

function guardOf({ rounds, tolerance, budget }: Pick<RebuildStage, 'rounds' | 'tolerance' | 'budget'>): { rounds: number; tolerance: number; budget: number } {
  return { rounds: rounds ?? guardDefaults.rounds, tolerance: tolerance ?? guardDefaults.tolerance, budget: budget ?? guardDefaults.budget };
}

function rebuildBy({ strategy, rounds, tolerance, budget }: RebuildStage, { onDecision, round }: Surroundings): Rebuild {
  if (strategy === 'published') return rebuildSubBlock;
  const guard = guardOf({ rounds, tolerance, budget });
  return async (request) => {
    let count = 0;
    const { report, ...rebuilt } = await guardedRebuild({
      ...request,
      guard,
      round,
      onRound: (made) => { onDecision(`round ${++count}: ratio ${made.ratio}, ${describe(made)}`); },
      onRefit: (made) => { onDecision(`weights fitted anew: ${describe(made)}`); },
    });
    const { errorBefore, errorAfter, grown, pruned, refit, undone } = report;
    const decisions = report.rounds.map((round) => ({
      ratio: round.ratio,
      errorBefore: round.errorBefore,
      error: round.error,
      // Where all of it together raised the error of all windows, nothing stands.
      accepted: round.accepted && !undone,
    }));
    const fitted = refit && { refit: { ...refit, accepted: refit.accepted && !undone } };
    return { ...rebuilt, report: { errorBefore, errorAfter, grown, pruned, rounds: decisions, ...fitted } };
  };
}

function describe({ errorBefore, error, accepted }: GuardRefit): string {
  return `held-out error ${errorBefore.toPrecision(3)} -> ${error.toPrecision(3)}${accepted ? '' : ', undone'}`;
}

function linearMasks(subBlock: SubBlock, masks: Masks): LinearMask[] {
  return linearsOf(subBlock).map(({ name, shape }) => ({ name, shape, mask: masks.get(name) ?? new Uint8Array(0) }));
}

/** Everything that a layer's rebuilt masks follow from. */
export function rebuildDependsOn({ context, stage, layer, path, start }: RebuildInput): Json {
  const { strategy, granularity, ratio, metric, weights, rounds, tolerance, budget } = stage;
  const search = strategy === 'published' ? { ratio: ratio ?? wholeRatio } : guardOf({ rounds, tolerance, budget });
  return {
    ...numericsOf(context),
    version: numericsVersion.rebuild,
    model: context.model.digest,
    layer,
    tokens: path.tokens.key,
    before: path.masks,
    start,
    pattern: context.pattern,
    settings: { strategy, granularity, metric, weights, ...search },
  };
}
