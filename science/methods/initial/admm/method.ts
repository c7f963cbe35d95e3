import { addWork, f32, f64, factorFlops, factorMatrices, forwardBatch, hiddenBytes, weightsMemory, type Cost, type ModelSize, type Windows, type Work } from '../../../cost/index.js';
import { inputStatisticsCost } from '../costs.js';
import { damping, defaultDamping } from '../damping.js';
import { initialMethod } from '../method.js';

export const defaultIterations = 30;

export const settings = {
  damping,
  iterations: {
    description: `With \`method: admm\`: number of iterations. Default: ${defaultIterations}. The first half prunes gradually.`,
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    examples: [defaultIterations],
  },
} as const;

export const admm = initialMethod({
  description: 'Mask and weights of each linear together, by the alternating direction method of multipliers. Each output row has a budget (Meng et al. 2024; Boza 2024).',
  settings,
  needs: 'hidden-states',
  updates: true,
  groups: 'output',
  version: 3,
  identity: ({ damping: share = defaultDamping, iterations = defaultIterations }) => ({ damping: share, iterations }),
  cost: admmCost,
  load: () => import('./run.js'),
});

/** Inverses, and products of `[in, in]` matrices per inverse (science/methods/parts/ridge-inverse.ts). */
const inverses = 10;
const productsPerInverse = 4;
/** Steps of conjugate gradients (science/methods/parts/masked-least-squares.ts). */
const fitSteps = 10;
/** At the peak, in addition to the moments: matrices `[in, in]`, and copies of the linears that read one input. */
const squareMatrices = 6;
const linearCopies = 9;

/** The cost of a layer's initial mask by ADMM: Wanda's two forwards, the moments of all inputs, and per input the inverses and the iterations. */
function admmCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const { memory, work } = inputStatisticsCost(size, windows);
  const tokens = windows.samples * windows.time;
  const hidden = hiddenBytes(size, windows);
  const moments = f64 * layer.inputWidths.reduce((total, width) => total + width ** 2, 0);
  const solving = Math.max(...layer.inputWidths.map((width, i) => f64 * factorMatrices * width ** 2 + f32 * (squareMatrices * width ** 2 + linearCopies * layer.readers[i])));
  const readers = Math.max(...layer.readers);
  const widest = Math.max(...layer.inputWidths);
  const solve = layer.inputWidths.map((width, i): Partial<Work> => ({
    flops: 2 * layer.shares[i] * tokens * width ** 2 + 2 * inverses * productsPerInverse * width ** 3 + 2 * (defaultIterations + fitSteps + 2) * layer.readers[i] * width,
    movedBytes: f32 * (inverses * 16 * width ** 2 + (20 * defaultIterations + 25 * fitSteps) * layer.readers[i]),
    doubleFlops: factorFlops(width),
    rankedWeights: defaultIterations * layer.readers[i],
    calls: 20 * defaultIterations + 20 * fitSteps + 15 * inverses,
  }));
  return {
    memory: {
      tensors: Math.max(memory.tensors, weightsMemory(size).tensors + hidden + moments + Math.max(hidden + forwardBatch(size, windows) + f32 * widest ** 2, solving)),
      // Scores, weights and masks of the linears being solved, and the updated values.
      host: memory.host + 4 * f32 * readers + f32 * layer.linear,
    },
    work: addWork([1, work], ...solve.map((part) => [1, part] as const), [1, { writtenBytes: f32 * layer.linear, files: layer.linears }]),
  };
}
