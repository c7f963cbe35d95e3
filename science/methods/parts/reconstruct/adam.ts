import { tf } from '../../../engine/index.js';
import type { Tensor } from '../../../engine/index.js';

/** A tensor to train. */
export interface Trainable {
  /** The values at the start. Pruned weights are zero. Not disposed. */
  start: Tensor;
  /** About the largest change of an element in one step. */
  rate: number;
  /** 1 for elements that are trained, 0 for others, of the same shape. Disposed by `Adam`. */
  kept: Tensor;
}

interface Trained extends Trainable {
  value: Tensor;
  /** `sum_i beta1^(t-i) g_i`, and `sum_i beta2^(t-i) g_i^2`. */
  first: Tensor;
  second: Tensor;
}

/** Shorter memories than the usual 0.9 and 0.999: an epoch has few steps. */
const beta1 = 0.9;
const beta2 = 0.99;
/**
 * Far below the gradients of an error that is a mean over all numbers of a window. With 128 features the median gradient is as low as
 * 5e-8 at 50 % sparsity, and it falls further with more features, more tokens or a smaller error. Adam's usual 1e-8 would suppress such steps.
 */
const epsilon = 1e-12;

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with a rate for each tensor:
 * `w <- w - rate m / (sqrt(v) + epsilon)`, with `m` and `v` the bias-corrected running means of g and of g^2.
 *
 * The factors `(1 - beta) / (1 - beta^t)` of the means depend on the step, not on the element. They are applied to the rate and
 * to epsilon, which saves passes over all weights. An element that is not trained gets no gradient, so it never changes. The same
 * holds for an element whose gradient is always zero.
 *
 * Memory in bytes per element: 4 each for the value, both means and `kept`. During a step, 4 more for the gradient, and a few times
 * 4 for the largest tensor.
 */
export class Adam {
  private readonly trained: Map<string, Trained>;
  private steps = 0;

  constructor(trainable: ReadonlyMap<string, Trainable>) {
    this.trained = new Map([...trainable].map(([name, one]) => {
      const zeros = (): Tensor => tf.zerosLike(one.start);
      return [name, { ...one, value: one.start.clone(), first: zeros(), second: zeros() }];
    }));
  }

  get names(): string[] {
    return [...this.trained.keys()];
  }

  /** The current values. They are valid until the next step. */
  get values(): Map<string, Tensor> {
    return new Map([...this.trained].map(([name, { value }]) => [name, value]));
  }

  /**
   * Takes one step against the gradients.
   *
   * @param gradients of every trained tensor; disposed one after the other
   * @param factor by which all rates are multiplied
   */
  step(gradients: ReadonlyMap<string, Tensor>, factor: number): void {
    this.steps++;
    const toMean = (1 - beta1) / (1 - beta1 ** this.steps);
    const toRoot = Math.sqrt((1 - beta2) / (1 - beta2 ** this.steps));
    for (const [name, one] of this.trained) {
      const gradient = gradients.get(name) as Tensor;
      const { value, first, second, kept, rate } = one;
      const length = (factor * rate * toMean) / toRoot;
      [one.value, one.first, one.second] = tf.tidy(() => {
        const g = gradient.mul(kept);
        const m = first.mul(beta1).add(g);
        const v = second.mul(beta2).add(g.square());
        return [value.sub(m.div(v.sqrt().add(epsilon / toRoot)).mul(length)), m, v];
      });
      tf.dispose([gradient, value, first, second]);
    }
  }

  dispose(): void {
    for (const { value, first, second, kept } of this.trained.values()) tf.dispose([value, first, second, kept]);
    this.trained.clear();
  }
}

/** The share of the rate at a step: a linear rise over the first 5 % of all steps, times half a cosine down to 0 over all. @param step from 0 */
export function rateFactor(step: number, steps: number): number {
  const warmUp = Math.min(1, (step + 1) / (0.05 * steps));
  return warmUp * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}
