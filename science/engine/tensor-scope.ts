import type { Tensor } from '@tensorflow/tfjs';
import { liveMatrices } from './float64-live.js';
import { tf } from './tensorflow.js';

/** Tensors kept in the current scope. */
let keptInScope: Set<Tensor> | undefined;

/**
 * Runs some work, then disposes every tensor that was made meanwhile, including those of {@link keep} and float64 matrices, even if the
 * work fails. Use `tf.keep` for tensors that must outlive it. Unlike in `tf.tidy`, the work may be asynchronous, but nothing else may make
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

/** Keeps a tensor beyond the enclosing `tf.tidy`, but not beyond the scope of {@link inTensorScope}. */
export function keep<T extends Tensor>(tensor: T): T {
  keptInScope?.add(tensor);
  return tf.keep(tensor);
}

/** Keeps a tensor beyond the scope of {@link inTensorScope}. The caller disposes it. */
export function outlive<T extends Tensor>(tensor: T): T {
  keptInScope?.delete(tensor);
  return tf.keep(tensor);
}
