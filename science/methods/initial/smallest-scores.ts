/** Masks of methods that give every weight one score and prune the smallest. They are made on the device if masks are selected there. */
import { selectsOnDevice, tf } from '../../engine/index.js';
import type { Tensor, Tensor2D } from '../../engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../../models/index.js';
import { checkPruned, groupBudget, wholeLinear } from '../parts/budget.js';
import type { MaskTarget } from '../parts/budget.js';
import { pruneSmallestOnDevice } from '../parts/device-prune.js';
import { checkFiniteOnDevice } from '../parts/finite-on-device.js';
import { MaskSet } from '../parts/mask-set.js';
import type { Masks } from '../parts/masked-weights.js';
import { checkDivides } from '../parts/pattern.js';
import { eachLinear } from './each-linear.js';

export interface ScoredLayer {
  layer: DecoderLayer;
  /** Every tensor of the layer, dense. */
  weights: ReadonlyMap<string, Tensor>;
  targetOf: (linear: LinearSpec) => MaskTarget;
}

/** How a method scores on the device and on the host. Both give the same masks. */
export interface Scores {
  /** A name of the scores for messages, such as `weight`. */
  subject: string;
  /** What shares a budget in an unstructured mask. */
  groups: 'layer' | 'output';
  /** Returns the scores `[out, in]` on the device. The caller disposes them, unless they are the weight itself. */
  onDevice: (linear: LinearSpec, weight: Tensor2D) => Tensor2D;
  /** Returns the mask, made on the host from the weights `[out, in]`. */
  onHost: (linear: LinearSpec, weight: Float32Array) => Uint8Array;
}

/**
 * Makes the masks of a layer's linears. The caller disposes masks on the device.
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export async function masksOfSmallest({ layer, weights, targetOf }: ScoredLayer, scores: Scores): Promise<Masks> {
  if (!selectsOnDevice()) return eachLinear(layer, weights, (linear, values) => scores.onHost(linear, values));
  const tensors = new Map<string, Tensor2D>();
  try {
    for (const linear of linearsOf(layer)) {
      const weight = weights.get(linear.name) as Tensor2D;
      const scored = scores.onDevice(linear, weight);
      try {
        await checkFiniteOnDevice(scored, `${scores.subject} of ${linear.name}`);
        tensors.set(linear.name, smallestOf(scored, linear, targetOf(linear), scores.groups));
      } finally {
        if (scored !== weight) scored.dispose();
      }
    }
  } catch (fault) {
    tf.dispose([...tensors.values()]);
    throw fault;
  }
  return MaskSet.ofTensors(tensors);
}

function smallestOf(scores: Tensor2D, { name, shape }: LinearSpec, target: MaskTarget, groups: 'layer' | 'output'): Tensor2D {
  const [outputs, inputs] = shape;
  const { pattern } = target;
  checkDivides(pattern, { name, shape });
  checkPruned(target, scores.size, name);
  if (pattern.kind === 'unstructured' && groups === 'output') {
    return pruneSmallestOnDevice(scores, Array.from({ length: outputs }, (_, row) => groupBudget(target, { from: row, to: row + 1, of: outputs, size: inputs })));
  }
  const length = pattern.kind === 'N:M' ? pattern.of : scores.size;
  const count = pattern.kind === 'N:M' ? pattern.of - pattern.keep : groupBudget(target, wholeLinear(scores.size));
  return tf.tidy(() => pruneSmallestOnDevice(scores.reshape<Tensor2D>([scores.size / length, length]), count).reshape<Tensor2D>([...shape]));
}
