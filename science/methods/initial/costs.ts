import { addWork, f32, forwardBatch, forwardWork, hiddenBytes, readLayer, storeMask, weightsMemory, type Cost, type ModelSize, type Windows } from '../../cost/index.js';

/** A layer's first mask where no calibration is needed: by magnitude, or from a file. */
export function plainMaskCost(size: ModelSize): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: { tensors: base.tensors, host: base.host + layer.linear + 2 * f32 * layer.largestLinear },
    work: addWork([1, readLayer(size)], [1, { rankedWeights: layer.linear, calls: 20 }], [1, storeMask(size)]),
  };
}

/** A layer's first mask from statistics of its inputs, as Wanda has them: statistics from one forward, then the pruned layer's forward. */
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

