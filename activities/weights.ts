import type { PrefetchedTensors } from '../files/checkpoints/index.js';
import { tf, type Tensor } from '../science/engine/index.js';
import type { TensorSpec } from '../science/models/index.js';

/** Tensors of a checkpoint in the engine, float32, by name. The caller disposes them with {@link disposeWeights}. */
export async function toTensors(specs: readonly TensorSpec[], read: PrefetchedTensors): Promise<Map<string, Tensor>> {
  const weights = new Map<string, Tensor>();
  for (const { name, shape } of specs) weights.set(name, tf.tensor(await read.read(name), [...shape], 'float32'));
  return weights;
}

/** Disposes the tensors of a map of weights. */
export function disposeWeights(weights: ReadonlyMap<string, Tensor>): void {
  for (const tensor of weights.values()) tensor.dispose();
}
