/** Measures a cell. Every layer is pruned and rebuilt as in a pipeline, but without artifact files or Temporal. */
import { roundingOf } from '../../../activities/rounding.js';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import { linearsOf, type DecoderLayer, type SubBlock } from '../../../science/models/index.js';
import {
  checkInitialMask, checkRebuiltMasks, initialMethodOf, layerForward, linearMask, ownSettings, parsePattern, patternSparsity, rebuildMethodOf,
} from '../../../science/methods/index.js';
import type { LinearMask, Masks, MaskTarget, Updates } from '../../../science/methods/index.js';
import type { BenchModel } from './bench-model.js';
import type { Cell, Measured, Scores } from './cell.js';
import { Judges } from './judges.js';
import { peakBytes, resetPeak } from './peak-memory.js';

/** The masks of a layer, and the values that differ from the dense ones. */
interface Pruned {
  masks: Masks;
  updates: Updates;
}

interface Progress {
  onProgress: (detail: string) => void;
  /** The folder of the shared data, which contains the tasks. */
  data: string;
}

/** The calibration windows' residual streams on each path, `[batch, time, hidden]` per batch. */
interface Streams {
  initialStream: Tensor3D[];
  rebuiltStream: Tensor3D[];
  /** Only if the strategy needs it. */
  denseStream?: Tensor3D[];
}

/** Measures the scores of the dense model. */
export async function measureDense(bench: BenchModel, cell: Pick<Cell, 'evaluations' | 'questions'>, { onProgress, data }: Progress): Promise<Scores> {
  const judges = await Judges.begin(bench, cell, data);
  for (let index = 0; index < bench.model.layers; index++) {
    onProgress(`layer ${index}`);
    const layer = bench.model.decoderLayer(index);
    await bench.withWeights(layer.tensors, (weights) => judges.advance(layer, weights, {}));
  }
  return finish(bench, judges);
}

/**
 * Measures a cell layer by layer. The initial method runs on the stream of the model with initial masks, and the rebuild on the stream
 * of the rebuilt model. Then the judged streams advance.
 *
 * @throws MaskBudgetError if a method breaks its budget; PatternError if the pattern does not fit the model
 */
export async function measureCell(bench: BenchModel, cell: Cell, { onProgress, data }: Progress): Promise<Measured> {
  resetPeak();
  const windows = await bench.calibrationWindows(cell.calibration);
  const { rebuild } = cell.recipe;
  const beside = rebuild !== undefined && rebuildMethodOf(rebuild.strategy).needsDensePath?.(rebuild.settings, rebuild.common) === true;
  const run: Streams = {
    initialStream: await bench.embed(windows),
    rebuiltStream: rebuild ? await bench.embed(windows) : [],
    ...(beside && { denseStream: await bench.embed(windows) }),
  };
  const judges = await Judges.begin(bench, cell, data);
  const seconds = { initial: 0, rebuild: 0 };
  const forwards: number[] = [];
  const zeros = { pruned: 0, size: 0 };

  for (let index = 0; index < bench.model.layers; index++) {
    const layer = bench.model.decoderLayer(index);
    const step = { bench, cell, layer, onProgress: (detail: string) => { onProgress(`layer ${index}, ${detail}`); } };
    await bench.withWeights(layer.tensors, async (weights) => {
      const begin = performance.now();
      const start = await prune({ ...step, weights, hidden: run.initialStream });
      run.initialStream = await layerForward({ layer, hidden: run.initialStream, weights, ...start });
      seconds.initial += (performance.now() - begin) / 1000;
      let made: Pruned = start;
      if (rebuild !== undefined) {
        const between = performance.now();
        const { hidden, denseHidden, entries, ...rebuilt } = await rebuildLayer({ ...step, weights, hidden: run.rebuiltStream, denseHidden: run.denseStream, start });
        run.rebuiltStream = hidden;
        run.denseStream = denseHidden;
        made = rebuilt;
        seconds.rebuild += (performance.now() - between) / 1000;
        forwards.push(...entries.flatMap((entry) => entry.forwards ?? []));
      }
      step.onProgress('judges');
      await judges.advance(layer, weights, made);
      countZeros(made.masks, zeros);
    });
  }
  tf.dispose([...run.initialStream, ...run.rebuiltStream, ...(run.denseStream ?? [])]);
  const scores = await finish(bench, judges);
  return {
    ...scores, seconds, sparsity: zeros.pruned / zeros.size, peakBytes: peakBytes(),
    ...(forwards.length > 0 && { forwards: forwards.reduce((sum, one) => sum + one, 0) / forwards.length }),
  };
}

async function finish(bench: BenchModel, judges: Judges): Promise<Scores> {
  const scores = await bench.withWeights(bench.model.headTensors, (weights) => Promise.resolve(judges.score(weights)));
  judges.dispose();
  return scores;
}

interface Step {
  bench: BenchModel;
  cell: Cell;
  layer: DecoderLayer;
  weights: ReadonlyMap<string, Tensor>;
  hidden: Tensor3D[];
  onProgress: (detail: string) => void;
}

async function prune({ bench, cell: { pattern, recipe: { initial } }, layer, weights, hidden, onProgress }: Step): Promise<Pruned> {
  const method = initialMethodOf(initial.method);
  const target = targetOf(pattern);
  const { run } = await method.load();
  const { masks, updates = new Map<string, Float32Array>() } = await run({
    layer, weights, hidden: method.needs === 'hidden-states' ? hidden : [],
    targetOf: () => target,
    settings: ownSettings(method.settings, initial.settings),
    round: roundingOf(bench.open, layer),
    readSource: () => Promise.reject(new Error(`method ${initial.method}: this benchmark does not measure existing masks`)),
    onProgress,
  });
  for (const linear of linearMasks(layer, masks)) if (method.groups !== undefined) checkInitialMask(linear, target, method.groups);
  return { masks, updates };
}

async function rebuildLayer({ bench, cell: { pattern, recipe }, layer, weights, hidden, denseHidden, start, onProgress }: Step & { start: Pruned; denseHidden?: Tensor3D[] }) {
  if (recipe.rebuild === undefined) throw new Error('there is no rebuild in this recipe');
  const { strategy, common, settings } = recipe.rebuild;
  const method = rebuildMethodOf(strategy);
  const { run } = await method.load();
  const parsed = targetOf(pattern).pattern;
  const made = await run({
    layer, hidden, ...(denseHidden && { denseHidden }), dense: weights, start, pattern: parsed, common,
    settings: ownSettings(method.settings, settings),
    round: roundingOf(bench.open, layer),
    onProgress,
  });
  for (const subBlock of layer.subBlocks) {
    checkRebuiltMasks(linearMasks(subBlock, start.masks), linearMasks(subBlock, made.masks), { granularity: common.granularity, pattern: parsed });
  }
  return made;
}

function linearMasks(part: DecoderLayer | SubBlock, masks: Masks): LinearMask[] {
  return linearsOf(part).map((linear) => linearMask(masks, linear));
}

/** @param pattern percent, or N:M */
function targetOf(pattern: string): MaskTarget {
  if (!pattern.includes(':')) return { pattern: parsePattern('unstructured'), sparsity: Number(pattern) / 100 };
  const parsed = parsePattern(pattern);
  return { pattern: parsed, sparsity: patternSparsity(parsed) as number };
}

function countZeros(masks: Masks, zeros: { pruned: number; size: number }): void {
  for (const mask of masks.values()) {
    zeros.size += mask.length;
    for (const kept of mask) zeros.pruned += 1 - kept;
  }
}
