import { gatedGelu, gatedSilu } from './activations.js';
import { residual } from './residual-norms.js';
import type { ResidualNorms } from './residual-norms.js';
import type { RotaryConfig } from './rotary-config.js';
import type { SubBlockWithNorms } from './sub-block.js';
import { linearSpec, linearSpecs } from './tensor-specs.js';

/** The gated units, by the activation's name in a config. */
const gatedUnits = { silu: gatedSilu, gelu_pytorch_tanh: gatedGelu };

/** Name of an activation that a gated MLP may have. */
export type GatedActivation = keyof typeof gatedUnits;

const gatedNames = ['gate_proj', 'up_proj', 'down_proj'] as const;

/** What differs between the MLPs of the families. */
export interface GatedMlp {
  biased?: boolean;
  /** Name of the fused linear of gate and up. */
  fused?: string;
  /** Default: `post_attention_layernorm` before. */
  norms?: ResidualNorms;
  /** Path after the layer's path; default `mlp`. */
  path?: string;
  /** Names of gate, up and down. */
  names?: readonly [string, string, string];
  /** Default: that of the config. */
  intermediateSize?: number;
}

/** `W_down (activation(W_gate x) * W_up x)`, with the residual around it. */
export function gatedMlp(config: RotaryConfig, layer: string, options: GatedMlp = {}): SubBlockWithNorms {
  const { hiddenSize, activation } = config;
  const { biased = false, fused, norms = { before: 'post_attention_layernorm' }, names: [gateName, upName, downName] = gatedNames, intermediateSize = config.intermediateSize } = options;
  const path = `${layer}.${options.path ?? 'mlp'}`;
  const parts = [gateName, upName].map((name) => ({ path: `${path}.${name}`, out: intermediateSize }));
  return {
    block: 'mlp',
    inputs: linearSpecs(parts, hiddenSize, { biased, ...(fused !== undefined && { fused: `${path}.${fused}` }) }),
    output: linearSpec(`${path}.${downName}`, hiddenSize, intermediateSize, biased),
    ...residual(config, layer, norms),
    core: ([gate, up]) => gatedUnits[activation](gate, up),
  };
}
