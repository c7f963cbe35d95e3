import { addWork, f32, forwardBatch, forwardWork, gradientBatch, hiddenBytes, readLayer, storeGradient, weightsMemory, type Cost, type ModelSize, type Windows } from '../../cost/index.js';

/** The cost of one layer in a backward pass over the dense model, with the hidden states and gradients before and after it. */
export function backwardCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  const gradients = Math.max(...layer.subBlocks.map((block) => gradientBatch(size, block, windows)));
  return {
    memory: { tensors: base.tensors + 3 * hiddenBytes(size, windows) + f32 * layer.linear + forwardBatch(size, windows) + gradients, host: base.host },
    work: addWork([1, readLayer(size)], [3, forwardWork(size, windows)], [1, storeGradient(size, windows)]),
  };
}

/** The cost of scoring a layer from one forward. It needs statistics of the layer's inputs, and the weights on the host. */
export function inputScoresCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: { tensors: base.tensors + forwardBatch(size, windows) + 2 * hiddenBytes(size, windows), host: base.host + f32 * layer.linear },
    work: addWork([1, readLayer(size)], [1, forwardWork(size, windows)], [1, { hostFlops: 4 * layer.linear, calls: 4 * layer.linears }]),
  };
}
