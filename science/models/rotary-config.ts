import type { AttentionShape } from './attention.js';
import type { ConfigReader } from './config-reader.js';
import { ropeFromConfig } from './rope.js';
import type { Rope } from './rope.js';

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
}

/** What transformers takes for values that a config leaves out, where the families differ. */
export interface RotaryDefaults {
  maxPositions: number;
  /** As many as there are query heads where absent. */
  keyValueHeads?: number;
  /** `hidden_size / num_attention_heads` where absent. */
  headDim?: number;
}

/** @throws ModelConfigError if a value is missing, wrong, or one that changes the computation in an unknown way. */
export function readRotaryConfig(config: ConfigReader, defaults: RotaryDefaults): RotaryConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads');
  const unstated = config.isNull('num_key_value_heads') ? heads : (defaults.keyValueHeads ?? heads);
  const keyValueHeads = config.positiveInteger('num_key_value_heads', unstated);
  if (heads % keyValueHeads !== 0) throw config.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  const headDim = config.positiveInteger('head_dim', defaults.headDim ?? hiddenSize / heads);
  // Rotary positions turn pairs. A fraction, from a hidden size that the heads do not divide, fails here too.
  if (headDim % 2 !== 0) throw config.wrong(config.has('head_dim') ? 'head_dim' : 'hidden_size', 'an even number per attention head');
  const maxPositions = config.positiveInteger('max_position_embeddings', defaults.maxPositions);
  config.choice('hidden_act', ['silu'], 'silu');
  config.refuseQuantization();
  return {
    hiddenSize,
    heads,
    keyValueHeads,
    headDim,
    vocabSize: config.positiveInteger('vocab_size'),
    intermediateSize: config.positiveInteger('intermediate_size'),
    layers: config.positiveInteger('num_hidden_layers'),
    maxPositions,
    epsilon: config.positiveNumber('rms_norm_eps', 1e-6),
    tied: config.boolean('tie_word_embeddings', false),
    rope: ropeFromConfig(config, headDim, maxPositions),
  };
}
