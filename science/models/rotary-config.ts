import type { AttentionShape } from './attention-parts.js';
import type { ConfigReader } from './config-reader.js';
import type { GatedActivation } from './gated-mlp.js';
import type { Rope } from './rope.js';
import { ropeFromConfig } from './rope-config.js';
import type { RopeShape } from './rope-config.js';

/** The common values in `config.json` of LLaMA and the families derived from it; names as in transformers, in camel case. */
export interface RotaryConfig extends AttentionShape {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  maxPositions: number;
  epsilon: number;
  tied: boolean;
  rope: Rope;
  /** Activation of the gated MLP. */
  activation: GatedActivation;
  /** Added to the weights of RMS norms; default 0. */
  normOffset?: number;
  /** Factors of the embedding's rows, of the sub-blocks' outputs, and of the logits; default 1. */
  embeddingScale?: number;
  residualScale?: number;
  logitScale?: number;
  /** Soft cap on the logits; default none. */
  logitSoftcap?: number;
}

/** Defaults of transformers that differ between the families. */
export interface RotaryDefaults {
  maxPositions: number;
  /** If absent, configs must contain it. */
  vocabSize?: number;
  heads?: number;
  /** Default: the number of query heads. */
  keyValueHeads?: number;
  /** Default: `hidden_size / num_attention_heads`. */
  headDim?: number;
  /** Default 1e-6. */
  epsilon?: number;
  /** Base of the rope; default 10,000. */
  theta?: number;
  /** Default false. */
  tied?: boolean;
  /** Key and only valid value of the activation; default `hidden_act` and `silu`. */
  activation?: { key: string; name: GatedActivation };
  /** Reads the rope, if the family does not use the common keys. */
  rope?(config: ConfigReader, shape: RopeShape): Rope;
}

/** @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way. */
export function readRotaryConfig(config: ConfigReader, defaults: RotaryDefaults): RotaryConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads', defaults.heads);
  const unstated = config.isNull('num_key_value_heads') ? heads : (defaults.keyValueHeads ?? heads);
  const keyValueHeads = config.positiveInteger('num_key_value_heads', unstated);
  if (heads % keyValueHeads !== 0) throw config.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  const headDim = config.positiveInteger('head_dim', defaults.headDim ?? hiddenSize / heads);
  // Rotary positions rotate pairs. This also refuses a fraction, from a hidden size that is not divisible by the heads.
  if (headDim % 2 !== 0) throw config.wrong(config.has('head_dim') ? 'head_dim' : 'hidden_size', 'an even number per attention head');
  const maxPositions = config.positiveInteger('max_position_embeddings', defaults.maxPositions);
  const { key, name } = defaults.activation ?? { key: 'hidden_act', name: 'silu' as const };
  config.refuseQuantization();
  return {
    hiddenSize,
    heads,
    keyValueHeads,
    headDim,
    vocabSize: config.positiveInteger('vocab_size', defaults.vocabSize),
    intermediateSize: config.positiveInteger('intermediate_size'),
    layers: config.positiveInteger('num_hidden_layers'),
    maxPositions,
    activation: config.choice(key, [name], name),
    epsilon: config.positiveNumber('rms_norm_eps', defaults.epsilon ?? 1e-6),
    tied: config.boolean('tie_word_embeddings', defaults.tied ?? false),
    rope: (defaults.rope ?? ropeFromConfig)(config, { headDim, maxPositions, ...(defaults.theta !== undefined && { theta: defaults.theta }) }),
  };
}
