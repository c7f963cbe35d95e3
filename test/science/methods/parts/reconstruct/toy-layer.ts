import { tf } from '../../../../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../../../../science/engine/index.js';
import { linearsOf, modelFromConfig } from '../../../../../science/models/index.js';
import type { DecoderLayer } from '../../../../../science/models/types.js';
import { reconstructionTargets } from '../../../../../science/methods/parts/reconstruct/index.js';
import type { WindowBatch } from '../../../../../science/methods/parts/reconstruct/index.js';

const shape = { hidden_size: 8, num_hidden_layers: 1, vocab_size: 7, max_position_embeddings: 32, tie_word_embeddings: true };
const rotary = { ...shape, intermediate_size: 12, num_attention_heads: 4, num_key_value_heads: 2, rms_norm_eps: 1e-5, rope_theta: 10000, hidden_act: 'silu' };

/**
 * One config per feature, in this order: grouped heads; norms and biases; the same with norms after the residual; norms of heads; norms
 * before the residual is added; caps and (1 + weight) norms; factors; experts whose weights add up to 1; experts whose weights do not, and
 * a shared expert; attention and MLP side by side.
 */
export const configs = {
  llama: { model_type: 'llama', ...rotary },
  opt: { model_type: 'opt', ...shape, ffn_dim: 12, num_attention_heads: 2, activation_function: 'gelu' },
  optPostNorm: { model_type: 'opt', ...shape, ffn_dim: 12, num_attention_heads: 2, activation_function: 'gelu', do_layer_norm_before: false },
  qwen3: { model_type: 'qwen3', ...rotary, head_dim: 4, num_attention_heads: 2, num_key_value_heads: 1 },
  olmo2: { model_type: 'olmo2', ...rotary, num_attention_heads: 2, num_key_value_heads: 1 },
  gemma2: { model_type: 'gemma2', ...rotary, head_dim: 4, num_attention_heads: 2, num_key_value_heads: 1, query_pre_attn_scalar: 4, attn_logit_softcapping: 2 },
  granite: { model_type: 'granite', ...rotary, residual_multiplier: 0.5, attention_multiplier: 0.4 },
  mixtral: { model_type: 'mixtral', ...rotary, num_local_experts: 3, num_experts_per_tok: 2 },
  qwen2Moe: { model_type: 'qwen2_moe', ...rotary, moe_intermediate_size: 6, shared_expert_intermediate_size: 10, num_experts: 4, num_experts_per_tok: 2, norm_topk_prob: false },
  gptNeox: { model_type: 'gpt_neox', ...shape, intermediate_size: 12, num_attention_heads: 2, rotary_pct: 0.5 },
} as const;

export interface ToyLayer {
  layer: DecoderLayer;
  weights: Map<string, Tensor>;
  /** Of every two neighbours, the smaller one is pruned. */
  masks: Map<string, Uint8Array>;
  /** The targets are outputs of the dense layer. */
  windows: WindowBatch[];
  dispose(): void;
}

/** Makes a decoder layer with random weights, and random windows in batches of those sizes. */
export async function toyLayer(family: keyof typeof configs, sizes: readonly number[], time = 10): Promise<ToyLayer> {
  const layer = modelFromConfig(configs[family], 'config.json').decoderLayer(0);
  const weights = new Map<string, Tensor>();
  for (const [index, { name, shape: of }] of layer.tensors.entries()) {
    weights.set(name, tf.randomNormal([...of], name.includes('norm.weight') ? 1 : 0, 0.4, 'float32', index + 1));
  }
  const masks = new Map<string, Uint8Array>();
  for (const { name } of linearsOf(layer)) {
    const values = await weights.get(name)!.data<'float32'>();
    masks.set(name, Uint8Array.from(values, (value, i) => Number(Math.abs(value) > Math.abs(values[i ^ 1]))));
  }
  const all = tf.randomNormal([sizes.reduce((sum, size) => sum + size, 0), time, 8], 0, 1, 'float32', 99);
  const hidden = tf.split<Tensor3D>(all, [...sizes]);
  all.dispose();
  const targets = await reconstructionTargets({ layer, dense: weights, hidden });
  const windows = hidden.map((h, index) => ({ h, target: targets[index] }));
  return { layer, weights, masks, windows, dispose: () => { tf.dispose([[...weights.values()], hidden, targets]); } };
}
