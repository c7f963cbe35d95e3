import { needsGradients, type Metric } from '../method.js';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { weightOf } from '../../../models/sub-block.js';
import type { LinearSpec, Weights } from '../../../models/types.js';
import { PruningInputError } from '../../parts/errors.js';
import type { SquaredGradients } from '../../parts/squared-gradients.js';

/**
 * Importance of every weight, up to a factor that all weights of the sub-block share: `|W| * sqrt(sum g^2)`
 * (`weight-gradient`; Su et al. 2024), `|W|` (`weight`), `sqrt(sum g^2)` (`gradient`). Computed on the device that holds the
 * gradients, and left there. Frees the gradients linear by linear, so that the two do not take memory at the same time.
 *
 * @returns `[out, in]` for each linear, in their order; the caller disposes them
 * @throws PruningInputError if the metric needs gradients and none were added.
 */
export function importances(linears: readonly LinearSpec[], weights: Weights, gradients: SquaredGradients, metric: Metric): Tensor2D[] {
  return linears.map((linear) => {
    const importance = tf.tidy(() => {
      const weight = weightOf<Tensor2D>(weights, linear.name);
      if (!needsGradients(metric)) return keep(weight.abs());
      const squares = gradients.get(linear);
      if (squares === undefined) {
        throw new PruningInputError({ where: linear.name, what: 'no gradient was accumulated', expected: 'at least one batch' });
      }
      return keep(metric === 'gradient' ? squares.sqrt() : weight.abs().mul<Tensor2D>(squares.sqrt()));
    });
    gradients.free(linear);
    return importance;
  });
}
