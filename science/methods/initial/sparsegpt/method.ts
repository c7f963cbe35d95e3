import { addWork, f32, f64, factorFlops, factorMatrices, type Cost, type ModelSize, type Windows, type Work } from '../../../cost/index.js';
import { sparseGptBlock } from '../../parts/budget.js';
import { inputStatisticsCost, plainMaskCost } from '../costs.js';
import { damping, defaultDamping } from '../damping.js';
import { initialMethod } from '../method.js';

export const settings = { damping };

export const sparsegpt = initialMethod({
  description: 'Optimal brain surgeon per 128 columns. The kept weights compensate for the pruned ones (Frantar and Alistarh 2023).',
  settings,
  needs: 'hidden-states',
  updates: true,
  groups: 'columns',
  version: 3,
  identity: ({ damping: share = defaultDamping }) => ({ damping: share }),
  cost: sparseGptCost,
  load: () => import('./run.js'),
  sharded: {
    sumBytes: ({ layer }) => f64 * layer.inputWidths.reduce((total, width) => total + width ** 2, 0),
    cost: (size, shard) => {
      const { memory } = sparseGptCost(size, shard);
      return { gather: { memory, work: gatherWork(size, shard) }, choose: { memory, work: addWork([1, plainMaskCost(size).work], [1, chooseWork(size)]) } };
    },
    load: () => import('./run.js'),
  },
});

/** Bytes moved per element to widen a float32 product and add it in float64. */
const bytesOfSum = 36;

/** Returns the cost of a layer's initial mask by SparseGPT: Wanda's two forwards, and the Hessians of all inputs with their factors. */
function sparseGptCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const { memory } = inputStatisticsCost(size, windows);
  const widest = Math.max(...layer.inputWidths);
  return {
    memory: {
      // All Hessians and the factor of one; for one linear, the remaining and the finished weights.
      tensors: memory.tensors + f64 * layer.inputWidths.reduce((total, width) => total + width ** 2, 0) + factorMatrices * f64 * widest ** 2 + 3 * f32 * layer.largestLinear,
      // The factor, the updated values, and three copies of one linear.
      host: memory.host + f64 * widest ** 2 + f32 * layer.linear + 3 * f32 * layer.largestLinear,
    },
    work: addWork([1, gatherWork(size, windows)], [1, chooseWork(size)]),
  };
}

/** Returns the work of Wanda's two forwards and the Hessians of all inputs. */
function gatherWork(size: ModelSize, windows: Windows): Work {
  const { inputWidths, shares } = size.layer;
  const hessians = inputWidths.map((width, i): Partial<Work> => {
    // For an expert, a product covers several sequences: together they have about one sequence's tokens.
    const products = Math.ceil(windows.samples * shares[i]);
    return { flops: 2 * products * windows.time * width ** 2, movedBytes: bytesOfSum * products * width ** 2, calls: 5 * products };
  });
  return addWork([1, inputStatisticsCost(size, windows).work], ...hessians.map((part) => [1, part] as const));
}

/** Returns the work of the factors, and of the masks with their updates. */
function chooseWork({ layer }: ModelSize): Work {
  const updates = layer.inputWidths.map((width, i): Partial<Work> => ({
    flops: layer.readers[i] * width,
    doubleFlops: factorFlops(width),
    blockFlops: layer.readers[i] * sparseGptBlock / 2,
    rankedWeights: layer.readers[i],
    calls: (10 * width) / sparseGptBlock,
  }));
  return addWork(...updates.map((part) => [1, part] as const), [1, { columns: layer.columns, writtenBytes: f32 * layer.linear, files: layer.linears }]);
}
