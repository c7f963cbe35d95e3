import type { Tensor } from '@tensorflow/tfjs';
import { liveMatrices } from './float64-live.js';
import { tf } from './tensorflow.js';

/** What was kept in the scope that is open. */
let keptInScope: Set<Tensor> | undefined;

/**
 * Does some work, and disposes every tensor that was made meanwhile, also where the work fails, and also those of {@link keep} and matrices in float64.
 * Tensors that are to outlive it are kept with `tf.keep`. Unlike in `tf.tidy`, the work may wait for files; nothing else may make
 * tensors in the meantime. Scopes do not nest.
 */
export async function inTensorScope<T>(work: () => Promise<T>): Promise<T> {
  const engine = tf.engine();
  const kept = new Set<Tensor>();
  keptInScope = kept;
  engine.startScope('task');
  try {
    return await work();
  } finally {
    engine.endScope();
    tf.dispose([...kept]);
    for (const matrix of [...liveMatrices]) matrix.dispose();
    keptInScope = undefined;
  }
}

/** Keeps a tensor beyond the `tf.tidy` that it is made in, but not beyond the scope of the work that it is made for. */
export function keep<T extends Tensor>(tensor: T): T {
  keptInScope?.add(tensor);
  return tf.keep(tensor);
}
