import { addWork, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
import { batchOf, f32, forwardBatch, forwardWork, hiddenBytes, readLayer, weightsMemory } from '../../science/cost/layer-work.js';
import { maxLogits } from '../../science/cost/logits.js';

/** Cost of a layer that only runs forward, dense or under its mask. */
export function advanceCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: {
      // Weights are masked one by one: the mask, and the weight before and after.
      tensors: base.tensors + 3 * f32 * layer.largestLinear + hiddenBytes(size, windows) + forwardBatch(size, windows),
      host: base.host + layer.linear,
    },
    work: addWork([1, readLayer(size)], [1, forwardWork(size, windows)]),
  };
}

/** Memory for embedding tokens into hidden states. */
export function embedMemory(size: ModelSize, windows: Windows): Cost['memory'] {
  return { tensors: f32 * size.embedding + hiddenBytes(size, windows), host: (size.bytesPerWeight + f32) * size.embedding };
}

/** Bytes of the logits that are held at once. */
export function logitsBytes(size: ModelSize, windows: Windows): number {
  return f32 * Math.min(maxLogits, batchOf(windows) * Math.max(1, windows.time - 1) * size.vocabulary);
}

/** Cost of the perplexity from the hidden states after the last layer. */
export function scoreCost(size: ModelSize, windows: Windows): Cost {
  const tokens = windows.samples * windows.time;
  const batches = Math.ceil(windows.samples / batchOf(windows));
  return {
    // Logits, shifted by their maximum, and their exponentials.
    memory: { tensors: f32 * size.head + hiddenBytes(size, windows) + 3 * logitsBytes(size, windows), host: (size.bytesPerWeight + f32) * size.head },
    work: addWork([1, { readBytes: size.bytesPerWeight * size.head }], [tokens, { flops: 2 * size.head, movedBytes: 6 * f32 * size.vocabulary }], [batches, { calls: 30 }]),
  };
}
