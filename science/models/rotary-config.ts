import type { AttentionShape } from './attention-parts.js';
import type { ConfigReader } from './config-reader.js';
import type { GatedActivation } from './gated-mlp.js';
import type { Rope } from './rope.js';
import { ropeFromConfig } from './rope-config.js';
import type { RopeShape } from './rope-config.js';

/** What the `config.json` of LLaMA and of the families after it says in common; names as in transformers, in camel case. */
export interface RotaryConfig extends AttentionShape {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  maxPositions: number;
  epsilon: number;
  tied: boolean;
  rope: Rope;
  /** Of the gated MLP. */
  activation: GatedActivation;
  /** What is added to the weights of RMS norms; 0 where absent. */
  normOffset?: number;
  /** Factors of the embedding's rows, of what sub-blocks add to the residual stream, and of the logits; 1 where absent. */
  embeddingScale?: number;
  residualScale?: number;
  logitScale?: number;
  /** What bounds the logits; nothing where absent. */
  logitSoftcap?: number;
}

/** What transformers takes for values that a config leaves out, where the families differ. */
export interface RotaryDefaults {
  maxPositions: number;
  /** Without one, configs must state it. */
  vocabSize?: number;
  heads?: number;
  /** As many as there are query heads where absent. */
  keyValueHeads?: number;
  /** `hidden_size / num_attention_heads` where absent. */
  headDim?: number;
  /** 1e-6 where absent. */
  epsilon?: number;
  /** Base of the rope; 10,000 where absent. */
  theta?: number;
  /** False where absent. */
  tied?: boolean;
  /** Key and only value of the activation; `hidden_act` and `silu` where absent. */
  activation?: { key: string; name: GatedActivation };
  /** How the rope is read, where it is not by the keys that all others have. */
  rope?(config: ConfigReader, shape: RopeShape): Rope;
}

/** @throws ModelConfigError if a value is missing, wrong, or one that changes the computation in an unknown way. */
export function readRotaryConfig(config: ConfigReader, defaults: RotaryDefaults): RotaryConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads', defaults.heads);
  const unstated = config.isNull('num_key_value_heads') ? heads : (defaults.keyValueHeads ?? heads);
  const keyValueHeads = config.positiveInteger('num_key_value_heads', unstated);
  if (heads % keyValueHeads !== 0) throw config.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  const headDim = config.positiveInteger('head_dim', defaults.headDim ?? hiddenSize / heads);
  // Rotary positions turn pairs. A fraction, from a hidden size that the heads do not divide, fails here too.
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
