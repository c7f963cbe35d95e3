import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor3D } from '../engine/index.js';
import { rmsNorm } from './norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { weightOf } from './sub-block.js';
import type { SubBlock, TensorSpec, Weights } from './types.js';

/** Names of a sub-block's norms, after the layer's path and without `.weight`. */
export interface ResidualNorms {
  /** Norm of the sub-block's input from the residual stream. */
  before?: string;
  /** Norm of its output before it is added to the residual stream. */
  after?: string;
}

/** RMS norm with a weight from the checkpoint. For Gemma, `normOffset` 1 is added to the weight. */
export function configuredNorm<T extends Parameters<typeof rmsNorm>[0]>(config: Pick<RotaryConfig, 'epsilon' | 'normOffset'>, x: T, name: string, weights: Weights): T {
  const { epsilon, normOffset = 0 } = config;
  const weight = weightOf<Tensor1D>(weights, name);
  return tf.tidy(() => rmsNorm(x, normOffset === 0 ? weight : weight.add<Tensor1D>(normOffset), epsilon));
}

/** The residual around a sub-block of a layer, with its norms and, in some families, a factor for the output. */
export function residual(config: RotaryConfig, layer: string, { before, after }: ResidualNorms): Pick<SubBlock, 'enter' | 'leave' | 'compensate'> & { norms: TensorSpec[] } {
  const { hiddenSize, residualScale = 1 } = config;
  const nameOf = (norm: string): string => `${layer}.${norm}.weight`;
  const norm = (x: Tensor3D, name: string, weights: Weights) => configuredNorm(config, x, nameOf(name), weights);
  return {
    norms: [before, after].filter((name) => name !== undefined).map((name) => ({ name: nameOf(name), shape: [hiddenSize] })),
    enter: (h, weights) => (before === undefined ? h.clone() : norm(h, before, weights)),
    leave: (h, y, weights) =>
      tf.tidy(() => {
        const normed = after === undefined ? y : norm(y, after, weights);
        return h.add<Tensor3D>(residualScale === 1 ? normed : normed.mul(residualScale));
      }),
    // After a norm, every output has the same size, so an output cannot compensate for another stream.
    ...(after !== undefined && { compensate: (y: Tensor3D) => y.clone() }),
    ...(after === undefined && residualScale !== 1 && {
      compensate: (y: Tensor3D, d: Tensor3D, h: Tensor3D) => tf.tidy(() => y.add<Tensor3D>(d.sub(h).div(residualScale))),
    }),
  };
}
