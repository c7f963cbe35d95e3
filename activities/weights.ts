import { decodeTensor, type PrefetchedTensors } from '../files/checkpoints/index.js';
import { hasDeviceOps, tf, widenFrom16, type Tensor } from '../science/engine/index.js';
import type { TensorSpec } from '../science/models/index.js';

/** Dtypes of a checkpoint that the engine can widen itself, so that only half of the bytes are sent to it. */
const narrow: Partial<Record<string, Parameters<typeof widenFrom16>[1]>> = { BF16: 'bfloat16', F16: 'float16' };

/** Loads tensors of a checkpoint into the engine as float32, by name. The caller disposes them with {@link disposeWeights}. */
export async function toTensors(specs: readonly TensorSpec[], read: PrefetchedTensors): Promise<Map<string, Tensor>> {
  const weights = new Map<string, Tensor>();
  for (const { name, shape } of specs) {
    const { info, bytes } = await read.read(name);
    const type = hasDeviceOps() ? narrow[info.dtype] : undefined;
    weights.set(name, type === undefined ? tf.tensor(decodeTensor(info, bytes), [...shape], 'float32') : widenFrom16(bytes, type, [...shape]));
  }
  return weights;
}

/** Disposes the tensors of a map of weights. */
export function disposeWeights(weights: ReadonlyMap<string, Tensor>): void {
  for (const tensor of weights.values()) tensor.dispose();
}
