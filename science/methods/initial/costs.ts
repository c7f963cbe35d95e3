import { addWork, f32, forwardBatch, forwardWork, hiddenBytes, readLayer, storeMask, weightsMemory, type Cost, type ModelSize, type Windows } from '../../cost/index.js';

/** The cost of a layer's initial mask without calibration: by magnitude, or from a file. */
export function plainMaskCost(size: ModelSize): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: { tensors: base.tensors, host: base.host + layer.linear + 2 * f32 * layer.largestLinear },
    work: addWork([1, readLayer(size)], [1, { rankedWeights: layer.linear, calls: 20 }], [1, storeMask(size)]),
  };
}

/** The cost of a layer's initial mask from input statistics, as in Wanda: one forward for the statistics, then one of the pruned layer. */
export function inputStatisticsCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  const hidden = hiddenBytes(size, windows);
  return {
    memory: {
      tensors: base.tensors + forwardBatch(size, windows) + Math.max(2 * hidden, f32 * layer.linear + hidden),
      host: base.host + layer.linear + 2 * f32 * layer.largestLinear,
    },
    work: addWork(
      [1, readLayer(size)], [2, forwardWork(size, windows)], [1, { rankedWeights: 1.5 * layer.linear }],
      [1, storeMask(size)],
    ),
  };
}

