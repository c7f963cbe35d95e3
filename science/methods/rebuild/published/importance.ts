import type { Metric } from '../method.js';
import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { weightOf } from '../../../models/sub-block.js';
import type { LinearSpec, Weights } from '../../../models/types.js';
import { PruningInputError } from '../../parts/errors.js';
import type { SquaredGradients } from './squared-gradients.js';

/** Whether the metric reads gradients at all. */
export function needsGradients(metric: Metric): boolean {
  return metric !== 'weight';
}

/**
 * Importance of every weight, up to a factor that all weights of the sub-block share: `|W| * sqrt(sum g^2)`
 * (`weight-gradient`; Su et al. 2024), `|W|` (`weight`), `sqrt(sum g^2)` (`gradient`). Computed where the gradients lie,
 * and brought to the host in one transfer.
 *
 * @returns row-major `[out, in]`
 * @throws PruningInputError if the metric needs gradients and none were added.
 */
async function importanceOf(
  linear: LinearSpec,
  weights: Weights,
  gradients: SquaredGradients,
  metric: Metric,
): Promise<Float32Array> {
  const importance = tf.tidy(() => {
    const weight = weightOf<Tensor2D>(weights, linear.name);
    if (!needsGradients(metric)) return weight.abs();
    const squares = gradients.get(linear);
    if (squares === undefined) {
      throw new PruningInputError({ where: linear.name, what: 'no gradient was accumulated', expected: 'at least one batch' });
    }
    return metric === 'gradient' ? squares.sqrt() : weight.abs().mul(squares.sqrt());
  });
  const values = await importance.data<'float32'>();
  importance.dispose();
  return values;
}

/** The importances of several linears, in their order. */
export async function importances(
  linears: readonly LinearSpec[],
  weights: Weights,
  gradients: SquaredGradients,
  metric: Metric,
): Promise<Float32Array[]> {
  const result: Float32Array[] = [];
  for (const linear of linears) result.push(await importanceOf(linear, weights, gradients, metric));
  return result;
}
