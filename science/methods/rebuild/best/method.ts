import { f32, f64, factorFlops, factorMatrices, forwardBatch, forwardWork, gradientBatch, type Cost, type ModelSize, type Windows, type Work } from '../../../cost/index.js';
import type { Values } from '../../settings.js';
import { gradientForwards, guardForwards, partsOfRounds, publishedForwards, rebuildCost } from '../costs.js';
import { rebuildMethod, type CommonSettings } from '../method.js';
import { defaultEffort, efforts, recipes } from './recipe.js';

export const settings = {
  effort: {
    description: `Best: how much work to spend. Default: ${defaultEffort}. The values cost about 5, 6, 20 and 39 forwards over the calibration windows (5, 6, 12 and 26 with N:M). A higher value gives a better model.`,
    type: 'integer',
    enum: efforts,
    examples: [defaultEffort],
  },
} as const;

export const best = rebuildMethod({
  description:
    "The combination with the best measured quality: LLM-Barber's rounds, masks and weights by ADMM, and reconstruction of each decoder layer. More `effort` does more of it. A step is kept only if it lowers the error of held-out windows, or of all windows if there are fewer than 16. `granularity` applies to the rounds. `input` is not allowed.",
  settings,
  defaults: {},
  byRow: true,
  weights: ['keep-dense', 'keep-updates', 'refit'],
  defaultWeights: () => 'refit',
  needsDensePath: ({ effort = defaultEffort }, { weights }) => weights === 'refit' && recipes[effort].denseShare > 0,
  // Also increased with the versions of `guarded` and `swaps`, because `best` uses their rounds and swaps.
  version: 2,
  identity: ({ effort = defaultEffort }) => ({ effort }),
  cost: bestCost,
  describe: ({ effort = defaultEffort }) => `effort ${effort}`,
  load: () => import('./run.js'),
});

/** Forwards of a fit: targets, one before and one after, and the sums. */
const fitForwards = 4.5;
/** Forwards of a reconstruction, for the targets of both paths, judging and the last forward; and forwards of each epoch. */
const reconstructionForwards = 3.5;
const forwardsPerEpoch = 3;
/** Selections of a fit by ADMM, one per iteration. */
const iterations = 30;
/** Copies of a linear's weights that Adam holds: value, mean, mean square, mask, gradient, best. */
const adamCopies = 6;

function bestCost(size: ModelSize, windows: Windows, { metric, weights }: CommonSettings, { effort = defaultEffort }: Values<typeof settings>): Cost {
  if (weights !== 'refit') return withoutFit(size, windows, metric, effort);
  const { rounds = 0, denseShare, epochs } = recipes[effort];
  const ofRounds = rounds > 0 ? publishedForwards + rounds : 0;
  const calls = fitCalls(size) + stepCalls(size, windows) * windows.samples * epochs + ofRounds * (partsOfRounds - 1) * forwardWork(size, windows).calls;
  const fitWindows = { ...windows, perBatch: Math.min(windows.perBatch, Math.ceil(windows.samples / 4)) };
  return rebuildCost(size, windows, {
    // Both paths before the layer and before the sub-block, targets, and the stream after it. Rounds also hold the sub-block's inputs.
    streams: rounds > 0 ? 8 : 6,
    tensors: (block) => (2 + adamCopies) * f32 * block.linear + Math.max(gradientBatch(size, block, fitWindows), forwardBatch(size, windows)) + fitMemory(size),
    host: (block) => 4 * block.linear + 3 * f32 * block.linear,
    forwards: fitForwards + guardForwards(size, denseShare > 0) + Number(denseShare > 0) + ofRounds + (epochs > 0 ? reconstructionForwards + forwardsPerEpoch * epochs : 0),
    selections: Math.max(1, rounds) + iterations,
    more: { ...fitWork(size), calls },
  });
}

function withoutFit(size: ModelSize, windows: Windows, metric: CommonSettings['metric'], effort: number): Cost {
  return rebuildCost(size, windows, {
    parts: partsOfRounds,
    streams: 4,
    tensors: (block) => 2 * f32 * block.linear + Math.max(gradientBatch(size, block, windows), forwardBatch(size, windows)),
    host: (block) => 4 * block.linear + 2 * f32 * block.linear,
    forwards: 4 + publishedForwards + 2 * guardForwards(size) - (metric === 'weight' ? gradientForwards : 0) + effort,
    selections: 4 + effort,
  });
}

/** Inverses of ADMM, products of `[in, in]` matrices per inverse (science/methods/parts/ridge-inverse.ts), and steps of conjugate gradients. */
const inverses = 10;
const productsPerInverse = 4;
const fitSteps = 10;

function fitWork({ layer }: ModelSize): Partial<Work> {
  const sum = (of: (width: number, readers: number) => number): number => layer.inputWidths.reduce((total, width, i) => total + of(width, layer.readers[i]), 0);
  return {
    flops: sum((width, readers) => 2 * (iterations + fitSteps + 2) * readers * width + 2 * inverses * productsPerInverse * width ** 3),
    movedBytes: f32 * sum((_, readers) => (20 * iterations + 25 * fitSteps) * readers),
    doubleFlops: sum(factorFlops),
    writtenBytes: f32 * layer.linear,
    files: layer.linears,
  };
}

function fitCalls({ layer }: ModelSize): number {
  return 20 * (iterations + fitSteps) * layer.inputWidths.length;
}

/** Engine calls of one reconstruction step: forward and backward over one window, and Adam for each linear. */
function stepCalls(size: ModelSize, windows: Windows): number {
  return forwardsPerEpoch * forwardWork(size, { ...windows, samples: 1 }).calls + 14 * size.layer.linears;
}

/** Bytes of the matrices of the most expensive input, and of the copies of its linears. */
function fitMemory({ layer }: ModelSize): number {
  return Math.max(...layer.inputWidths.map((width, i) => f64 * factorMatrices * width ** 2 + f32 * (6 * width ** 2 + 9 * layer.readers[i])));
}
