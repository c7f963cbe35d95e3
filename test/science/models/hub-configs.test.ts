/** Keys of real configs on the Hugging Face hub. None of them may cause an error. The values are real, without token ids. */
import { expect, it } from 'vitest';
import { modelFromConfig } from '../../../science/models/index.js';

const common = { attention_dropout: 0.0, initializer_range: 0.02, torch_dtype: 'bfloat16', transformers_version: '4.43.0', use_cache: true, bos_token_id: 1, eos_token_id: [2, 3] };

const configs: Record<string, Record<string, unknown>> = {
  'meta-llama/Llama-3.1-8B': {
    ...common, model_type: 'llama', attention_bias: false, hidden_act: 'silu', hidden_size: 4096, intermediate_size: 14336, max_position_embeddings: 131072, mlp_bias: false,
    num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 8, pretraining_tp: 1, rms_norm_eps: 1e-5, rope_theta: 500000.0, tie_word_embeddings: false, vocab_size: 128256,
    rope_scaling: { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_max_position_embeddings: 8192, rope_type: 'llama3' },
  },
  'mistralai/Mistral-7B-v0.1': {
    ...common, model_type: 'mistral', hidden_act: 'silu', hidden_size: 4096, intermediate_size: 14336, max_position_embeddings: 32768, num_attention_heads: 32, num_hidden_layers: 32,
    num_key_value_heads: 8, rms_norm_eps: 1e-5, rope_theta: 10000.0, sliding_window: 4096, tie_word_embeddings: false, vocab_size: 32000,
  },
  'Qwen/Qwen2.5-7B': {
    ...common, model_type: 'qwen2', hidden_act: 'silu', hidden_size: 3584, intermediate_size: 18944, max_position_embeddings: 131072, max_window_layers: 28, num_attention_heads: 28,
    num_hidden_layers: 28, num_key_value_heads: 4, rms_norm_eps: 1e-6, rope_theta: 1000000.0, sliding_window: 131072, tie_word_embeddings: false, use_mrope: false, use_sliding_window: false, vocab_size: 152064,
  },
  'Qwen/Qwen3-8B': {
    ...common, model_type: 'qwen3', attention_bias: false, head_dim: 128, hidden_act: 'silu', hidden_size: 4096, intermediate_size: 12288, max_position_embeddings: 40960, max_window_layers: 36,
    num_attention_heads: 32, num_hidden_layers: 36, num_key_value_heads: 8, rms_norm_eps: 1e-6, rope_scaling: null, rope_theta: 1000000, sliding_window: null, tie_word_embeddings: false, use_sliding_window: false, vocab_size: 151936,
  },
  'mistralai/Mixtral-8x7B-v0.1': {
    ...common, model_type: 'mixtral', hidden_act: 'silu', hidden_size: 4096, intermediate_size: 14336, max_position_embeddings: 32768, num_attention_heads: 32, num_experts_per_tok: 2, num_hidden_layers: 32,
    num_key_value_heads: 8, num_local_experts: 8, output_router_logits: false, rms_norm_eps: 1e-5, rope_theta: 1000000.0, router_aux_loss_coef: 0.02, sliding_window: null, tie_word_embeddings: false, vocab_size: 32000,
  },
  'Qwen/Qwen3-30B-A3B': {
    ...common, model_type: 'qwen3_moe', attention_bias: false, decoder_sparse_step: 1, head_dim: 128, hidden_act: 'silu', hidden_size: 2048, intermediate_size: 6144, max_position_embeddings: 40960,
    max_window_layers: 48, mlp_only_layers: [], moe_intermediate_size: 768, norm_topk_prob: true, num_attention_heads: 32, num_experts: 128, num_experts_per_tok: 8, num_hidden_layers: 48, num_key_value_heads: 4,
    output_router_logits: false, rms_norm_eps: 1e-6, rope_scaling: null, rope_theta: 1000000.0, router_aux_loss_coef: 0.001, sliding_window: null, tie_word_embeddings: false, use_sliding_window: false, vocab_size: 151936,
  },
  'Qwen/Qwen1.5-MoE-A2.7B': {
    ...common, model_type: 'qwen2_moe', decoder_sparse_step: 1, hidden_act: 'silu', hidden_size: 2048, intermediate_size: 5632, max_position_embeddings: 8192, max_window_layers: 21, moe_intermediate_size: 1408,
    norm_topk_prob: false, num_attention_heads: 16, num_experts: 60, num_experts_per_tok: 4, num_hidden_layers: 24, num_key_value_heads: 16, output_router_logits: false, rms_norm_eps: 1e-6, rope_theta: 1000000.0,
    router_aux_loss_coef: 0.001, shared_expert_intermediate_size: 5632, sliding_window: 32768, tie_word_embeddings: false, use_sliding_window: false, vocab_size: 151936,
  },
  'allenai/OLMoE-1B-7B-0924': {
    ...common, model_type: 'olmoe', attention_bias: false, clip_qkv: null, hidden_act: 'silu', hidden_size: 2048, intermediate_size: 1024, max_position_embeddings: 4096, norm_topk_prob: false, num_attention_heads: 16,
    num_experts: 64, num_experts_per_tok: 8, num_hidden_layers: 16, num_key_value_heads: 16, output_router_logits: false, rms_norm_eps: 1e-5, rope_scaling: null, rope_theta: 10000.0, router_aux_loss_coef: 0.01,
    tie_word_embeddings: false, vocab_size: 50304,
  },
  'facebook/opt-125m': {
    ...common, model_type: 'opt', _name_or_path: 'facebook/opt-125m', _remove_final_layer_norm: false, activation_dropout: 0.0, activation_function: 'relu', do_layer_norm_before: true, dropout: 0.1,
    ffn_dim: 3072, hidden_size: 768, init_std: 0.02, layerdrop: 0.0, max_position_embeddings: 2048, num_attention_heads: 12, num_hidden_layers: 12, prefix: '</s>', vocab_size: 50272, word_embed_proj_dim: 768,
  },
  'allenai/OLMo-2-1124-7B': {
    ...common, model_type: 'olmo2', attention_bias: false, hidden_act: 'silu', hidden_size: 4096, intermediate_size: 11008, max_position_embeddings: 4096, num_attention_heads: 32,
    num_hidden_layers: 32, num_key_value_heads: 32, rms_norm_eps: 1e-6, rope_scaling: null, rope_theta: 500000, tie_word_embeddings: false, vocab_size: 100352,
  },
  'google/gemma-2-2b': {
    ...common, model_type: 'gemma2', attention_bias: false, attn_logit_softcapping: 50.0, cache_implementation: 'hybrid', final_logit_softcapping: 30.0, head_dim: 256, hidden_act: 'gelu_pytorch_tanh',
    hidden_activation: 'gelu_pytorch_tanh', hidden_size: 2304, intermediate_size: 9216, max_position_embeddings: 8192, num_attention_heads: 8, num_hidden_layers: 26, num_key_value_heads: 4,
    query_pre_attn_scalar: 256, rms_norm_eps: 1e-6, rope_theta: 10000.0, sliding_window: 4096, vocab_size: 256000,
  },
  'google/gemma-3-1b-pt': {
    ...common, model_type: 'gemma3_text', attention_bias: false, attn_logit_softcapping: null, cache_implementation: 'hybrid', final_logit_softcapping: null, head_dim: 256, hidden_activation: 'gelu_pytorch_tanh',
    hidden_size: 1152, intermediate_size: 6912, max_position_embeddings: 32768, num_attention_heads: 4, num_hidden_layers: 26, num_key_value_heads: 1, query_pre_attn_scalar: 256, rms_norm_eps: 1e-6,
    rope_local_base_freq: 10000, rope_scaling: null, rope_theta: 1000000, sliding_window: 512, sliding_window_pattern: 6, vocab_size: 262144,
  },
  'ibm-granite/granite-3.1-8b-base': {
    ...common, model_type: 'granite', attention_bias: false, attention_multiplier: 0.0078125, embedding_multiplier: 12.0, hidden_act: 'silu', hidden_size: 4096, intermediate_size: 12800, logits_scaling: 16.0,
    max_position_embeddings: 131072, mlp_bias: false, num_attention_heads: 32, num_hidden_layers: 40, num_key_value_heads: 8, residual_multiplier: 0.22, rms_norm_eps: 1e-5, rope_scaling: null,
    rope_theta: 10000000.0, tie_word_embeddings: true, vocab_size: 49152,
  },
  'microsoft/Phi-3-mini-4k-instruct': {
    ...common, model_type: 'phi3', attention_bias: false, auto_map: { AutoConfig: 'configuration_phi3.Phi3Config' }, embd_pdrop: 0.0, hidden_act: 'silu', hidden_size: 3072, intermediate_size: 8192,
    max_position_embeddings: 4096, num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 32, original_max_position_embeddings: 4096, resid_pdrop: 0.0, rms_norm_eps: 1e-5, rope_scaling: null,
    rope_theta: 10000.0, sliding_window: 2047, tie_word_embeddings: false, vocab_size: 32064,
  },
  'microsoft/Phi-4-mini-instruct': {
    ...common, model_type: 'phi3', attention_bias: false, embd_pdrop: 0.0, full_attn_mod: 1, hidden_act: 'silu', hidden_size: 3072, intermediate_size: 8192, interpolate_factor: 1, lm_head_bias: false,
    max_position_embeddings: 131072, mlp_bias: false, num_attention_heads: 24, num_hidden_layers: 32, num_key_value_heads: 8, original_max_position_embeddings: 4096, partial_rotary_factor: 0.75,
    resid_pdrop: 0.0, rms_norm_eps: 1e-5, rope_theta: 10000.0, sliding_window: 262144, tie_word_embeddings: true, vocab_size: 200064,
    rope_scaling: { long_factor: Array<number>(48).fill(1.1), short_factor: Array<number>(48).fill(1), type: 'longrope' },
  },
  'EleutherAI/pythia-1.4b': {
    ...common, model_type: 'gpt_neox', classifier_dropout: 0.1, hidden_act: 'gelu', hidden_dropout: 0.0, hidden_size: 2048, intermediate_size: 8192, layer_norm_eps: 1e-5, max_position_embeddings: 2048,
    num_attention_heads: 16, num_hidden_layers: 24, rope_scaling: null, rotary_emb_base: 10000, rotary_pct: 0.25, tie_word_embeddings: false, use_parallel_residual: true, vocab_size: 50304,
  },
};

it.each(Object.entries(configs))('%s', (_, config) => {
  const model = modelFromConfig(config, 'config.json');
  expect([model.layers, model.hiddenSize, model.vocabularySize]).toEqual([config['num_hidden_layers'], config['hidden_size'], config['vocab_size']]);
});
