import { gatedGelu, gatedSilu } from './activations.js';
import { residual } from './residual-norms.js';
import type { ResidualNorms } from './residual-norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { linearSpec } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';

/** The gated units, by the activation's name in a config. */
const gatedUnits = { silu: gatedSilu, gelu_pytorch_tanh: gatedGelu };

/** Name of an activation that a gated MLP may have. */
export type GatedActivation = keyof typeof gatedUnits;

/** Where the MLPs of the families differ. */
export interface GatedMlp {
  biased?: boolean;
  /** `post_attention_layernorm` before where absent. */
  norms?: ResidualNorms;
}

/** `W_down (activation(W_gate x) * W_up x)`, and the residual around it. */
export function gatedMlp(config: RotaryConfig, layer: string, options: GatedMlp = {}): SubBlockWithNorms {
  const { hiddenSize, intermediateSize, activation } = config;
  const { biased = false, norms = { before: 'post_attention_layernorm' } } = options;
  const linear = (name: string, out: number, inputs: number) => linearSpec(`${layer}.mlp.${name}`, out, inputs, biased);
  return {
    block: 'mlp',
    inputs: [linear('gate_proj', intermediateSize, hiddenSize), linear('up_proj', intermediateSize, hiddenSize)],
    output: linear('down_proj', hiddenSize, intermediateSize),
    ...residual(config, layer, norms),
    core: ([gate, up]) => gatedUnits[activation](gate, up),
  };
}
