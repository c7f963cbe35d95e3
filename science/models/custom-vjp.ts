import { tf } from '../engine/index.js';
import type { Tensor } from '../engine/index.js';

export interface Forward<T extends Tensor, S extends Tensor[]> {
  value: T;
  /** Tensors that the vector-Jacobian product reads; kept only while gradients are recorded. */
  saved: S;
}

/**
 * Runs an operation whose vector-Jacobian product is written by hand instead of recorded step by step.
 *
 * @param vjp maps the gradient of the value to the gradients of the inputs, in their order.
 */
export function customVjp<I extends Tensor[], T extends Tensor, S extends Tensor[]>(
  inputs: I,
  forward: (...inputs: I) => Forward<T, S>,
  vjp: (dy: T, saved: S) => { [K in keyof I]: Tensor },
): T {
  const operation = tf.customGrad((...given) => {
    const save = given.at(-1) as (tensors: Tensor[]) => void;
    const { value, saved } = forward(...(given.slice(0, -1) as I));
    save(saved);
    return { value, gradFunc: (dy, kept) => vjp(dy as T, kept as S) };
  });
  return operation(...inputs) as T;
}
