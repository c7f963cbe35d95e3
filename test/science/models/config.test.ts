import { describe, expect, it } from 'vitest';
import { ModelConfigError, modelFromConfig, UnknownModelFamilyError } from '../../../science/models/index.js';
import type { DecoderModel } from '../../../science/models/index.js';

const where = '/models/some-llama/config.json';
const base = {
  model_type: 'llama', vocab_size: 96, hidden_size: 32, intermediate_size: 88, num_hidden_layers: 2, num_attention_heads: 4,
};
const qwen = { model_type: 'qwen2', num_key_value_heads: 2 };
const opt = { model_type: 'opt', ffn_dim: 96 };
const load = (changes: Record<string, unknown>): DecoderModel => modelFromConfig({ ...base, ...changes }, where);

describe('modelFromConfig', () => {
  it.each([
    [{ model_type: 'bloom' }, /config\.json: model_type is "bloom"; expected one of gemma2, gemma3, gemma3_text, gpt_neox, granite, llama, mistral, mixtral, olmo2, olmoe, opt, phi3, qwen2, qwen2_moe, qwen3, qwen3_moe\. docs\/families\.md says/],
    [{ model_type: undefined }, /model_type is missing; expected .*llama/],
    [{ model_type: 'constructor' }, /model_type is "constructor"/],
  ])('refuses the unknown family %j', (changes, message) => {
    expect(() => load(changes)).toThrow(UnknownModelFamilyError);
    expect(() => load(changes)).toThrow(message);
  });

  it.each([
    [{ hidden_size: undefined }, 'hidden_size is missing; expected an integer above zero'],
    [{ hidden_size: '32' }, 'hidden_size is "32"; expected an integer above zero'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers is 0; expected an integer above zero'],
    [{ vocab_size: 1.5 }, 'vocab_size is 1.5; expected an integer above zero'],
    [{ rms_norm_eps: -1 }, 'rms_norm_eps is -1; expected a number above zero'],
    [{ attention_bias: 'no' }, 'attention_bias is "no"; expected true or false'],
    [{ hidden_act: 'gelu' }, `hidden_act is "gelu"; expected 'silu'`],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads is 3; expected a divisor of num_attention_heads (4)'],
    [{ hidden_size: 30 }, 'hidden_size is 30; expected an even number per attention head'],
    [{ head_dim: 7 }, 'head_dim is 7; expected an even number'],
    [{ hidden_size: 28 }, 'hidden_size is 28; expected an even number per attention head'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config is {"bits":4}; expected none'],
    [{ rope_parameters: { rope_type: 'axial' } }, 'rope_parameters.rope_type is "axial"; expected one of default, dynamic, linear, llama3, longrope, yarn'],
    [{ rope_scaling: { type: 'proportional', factor: 2 } }, 'rope_scaling.type is "proportional"; expected one of default, dynamic, linear, llama3, longrope, yarn'],
    [{ rope_scaling: { factor: 2 } }, 'rope_scaling.rope_type is missing; expected one of default, dynamic, linear, llama3, longrope, yarn'],
    [{ rope_scaling: { type: 'dynamic' } }, 'rope_scaling.factor is missing; expected a number above zero'],
    [{ rope_scaling: { type: 'yarn' } }, 'rope_scaling.factor is missing; expected a number above zero'],
    [{ rope_scaling: { type: 'yarn', factor: 2, beta_fast: 0 } }, 'rope_scaling.beta_fast is 0; expected a number above zero'],
    [{ rope_scaling: { type: 'yarn', factor: 2, mscale: -1 } }, 'rope_scaling.mscale is -1; expected a number, zero or above'],
    [{ rope_scaling: { type: 'yarn', factor: 2, attention_factor: 'x' } }, 'rope_scaling.attention_factor is "x"; expected a number above zero'],
    [{ rope_scaling: { type: 'longrope', short_factor: [1, 1, 1] } }, 'rope_scaling.short_factor is [1,1,1]; expected a list of 4 numbers above zero'],
    [{ rope_scaling: { type: 'longrope', short_factor: [1, 1, 1, 1] } }, 'rope_scaling.long_factor is missing; expected a list of 4 numbers above zero'],
    [{ rope_scaling: { type: 'longrope', short_factor: [1, 1, 1, 1], long_factor: [1, 1, 0, 1] } }, 'rope_scaling.long_factor is [1,1,0,1]; expected a list of 4 numbers above zero'],
    [{ rope_scaling: { type: 'llama3' }, original_max_position_embeddings: 64 }, 'rope_scaling.factor is missing; expected a number above zero'],
    [{ original_max_position_embeddings: 64 }, 'original_max_position_embeddings is 64; expected no such key'],
    [{ rope_scaling: [] }, 'rope_scaling is []; expected an object'],
    [{ rope_parameters: { rope_type: 'linear' } }, 'rope_parameters.factor is missing; expected a number above zero'],
    [{ rope_theta: 0 }, 'rope_theta is 0; expected a number above zero'],
    [
      { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4, original_max_position_embeddings: 16 } },
      'rope_scaling.high_freq_factor is 4; expected a number above low_freq_factor (4)',
    ],
  ])('refuses %j, naming file, key, value and what was expected', (changes, message) => {
    expect(() => load(changes)).toThrow(ModelConfigError);
    expect(() => load(changes)).toThrow(`${where}: ${message}`);
  });

  it('treats null as absent, and absent as transformers does', () => {
    const model = load({ num_key_value_heads: null, head_dim: null, rope_scaling: null });
    expect(model.decoderLayer(0).subBlocks[0].inputs.map(({ shape }) => shape)).toEqual([[32, 32], [32, 32], [32, 32]]);
    expect(model.maxPositions).toBe(2048);
    expect(model.headTensors.map(({ name }) => name)).toEqual(['model.norm.weight', 'lm_head.weight']);
  });

  it.each([
    [{ use_qk_norm: true }, 'use_qk_norm is true; expected no such key'],
    [{ model_type: 'granite', logit_scale: 0.5 }, 'logit_scale is 0.5; expected no such key'],
    [{ embedding_multiplier: 12 }, 'embedding_multiplier is 12; expected no such key'],
    [{ sliding_window: 4096 }, 'sliding_window is 4096; expected no such key'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor is 0.5; expected no such key'],
    [{ num_experts: 8, num_experts_per_tok: 2 }, 'num_experts is 8; expected no such key'],
    [{ rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } }, 'rope_parameters.partial_rotary_factor is 0.5; expected one of rope_type'],
    [{ rope_scaling: { type: 'default', mrope_section: [16, 24, 24] } }, 'rope_scaling.mrope_section is [16,24,24]; expected one of rope_type'],
  ])('refuses %j, which the family does not know', (changes, message) => {
    expect(() => load(changes)).toThrow(ModelConfigError);
    expect(() => load(changes)).toThrow(`${where}: ${message}`);
  });

  it('accepts keys without effect: for training, generation and tools, and features that are off', () => {
    const others = {
      attention_dropout: 0.1, initializer_range: 0.02, pretraining_tp: 1, use_cache: true, attn_implementation: 'sdpa', temperature: 0.6, unsloth_version: '2025.1',
      use_mrope: false, clip_qkv: null, num_experts: 0, residual_multiplier: 1.0, mlp_only_layers: [], auto_map: { AutoModel: 'x.Y' }, id2label: { 0: 'a' },
    };
    expect(() => load(others)).not.toThrow();
    expect(() => load({ rope_theta: 500, rope_parameters: { rope_type: 'default', rope_theta: 7, partial_rotary_factor: 1 } })).not.toThrow();
  });

  it('finds tied embeddings under either name', () => {
    const model = load({ tie_word_embeddings: true });
    const tied = { name: 'model.embed_tokens.weight', shape: [96, 32], aliases: ['embed_tokens.weight', 'lm_head.weight'] };
    expect(model.embeddingTensors).toEqual([tied]);
    expect(model.headTensors).toContainEqual(tied);
    expect(model.tied).toEqual({ embedding: { ...tied, aliases: ['embed_tokens.weight'] }, head: { name: 'lm_head.weight', shape: [96, 32] } });
    expect(load({}).tied).toBeUndefined();
  });

  it.each(['gemma2', 'gemma3_text', 'granite', 'llama', 'mistral', 'olmo2', 'qwen2', 'qwen3'])('finds the tensors of %s with or without the prefix, linears included', (model_type) => {
    const model = load({ model_type, num_key_value_heads: 2, tie_word_embeddings: true });
    const layer = model.decoderLayer(1);
    const linears = layer.subBlocks.flatMap(({ inputs, output }) => [...inputs, output]);
    for (const { name, aliases } of [...model.embeddingTensors, ...layer.tensors, ...linears, ...model.headTensors]) expect(`model.${aliases?.[0]}`).toBe(name);
  });

  it('lists every tensor of a layer, and biases only if the config has them', () => {
    const names = (changes: Record<string, unknown>) => load(changes).decoderLayer(1).tensors.map(({ name }) => name);
    expect(names({})).toHaveLength(9);
    expect(names({ attention_bias: true })).toHaveLength(13);
    expect(names({ mlp_bias: true }).filter((name) => name.endsWith('.bias'))).toEqual([
      'model.layers.1.mlp.gate_proj.bias', 'model.layers.1.mlp.up_proj.bias', 'model.layers.1.mlp.down_proj.bias',
    ]);
  });

  it.each([
    [{ model_type: 'mistral', num_key_value_heads: 4, sliding_window: 0 }, 'sliding_window is 0; expected an integer above zero'],
    [{ model_type: 'mistral' }, 'num_key_value_heads is missing; expected a divisor of num_attention_heads (4)'],
    [{ ...qwen, layer_types: ['full_attention'] }, 'layer_types is ["full_attention"]; expected a list of 2, each one of full_attention, sliding_attention'],
    [{ ...qwen, layer_types: ['full_attention', 'chunked_attention'] }, 'layer_types is ["full_attention","chunked_attention"]; expected a list of 2'],
    [{ ...qwen, layer_types: ['full_attention', 'sliding_attention'] }, 'layer_types is ["full_attention","sliding_attention"]; expected full_attention only'],
    [{ ...qwen, use_sliding_window: true, max_window_layers: -1 }, 'max_window_layers is -1; expected an integer, zero or above'],
    [{ ...opt, ffn_dim: undefined }, 'ffn_dim is missing; expected an integer above zero'],
    [{ ...opt, num_attention_heads: 5 }, 'num_attention_heads is 5; expected a divisor of hidden_size (32)'],
    [{ ...opt, activation_function: 'swish' }, 'activation_function is "swish"; expected one of relu, gelu'],
    [{ ...opt, quantization_config: { bits: 4 } }, 'quantization_config is {"bits":4}; expected none'],
  ])('refuses %j', (changes, message) => {
    expect(() => load(changes)).toThrow(ModelConfigError);
    expect(() => load(changes)).toThrow(`${where}: ${message}`);
  });

  it('gives Qwen2 biases for queries, keys and values only, and Qwen3 a norm for each', () => {
    const names = (changes: Record<string, unknown>) => load(changes).decoderLayer(1).tensors.map(({ name }) => name.replace('model.layers.1.', ''));
    expect(names(qwen).filter((name) => name.endsWith('bias'))).toEqual(['q', 'k', 'v'].map((name) => `self_attn.${name}_proj.bias`));
    const qwen3 = load({ ...qwen, model_type: 'qwen3' }).decoderLayer(0);
    expect(qwen3.tensors).toContainEqual({ name: 'model.layers.0.self_attn.k_norm.weight', shape: [128], aliases: ['layers.0.self_attn.k_norm.weight'] });
    expect(qwen3.subBlocks[0].output.shape).toEqual([32, 4 * 128]);
  });
});

describe('OLMo 2', () => {
  const olmo2 = (changes: Record<string, unknown> = {}) => load({ model_type: 'olmo2', num_key_value_heads: 2, ...changes }).decoderLayer(0);
  const ofLayer = (name: string) => `model.layers.0.${name}.weight`;

  it('has norms after attention and MLP, and norms as wide as queries and keys', () => {
    const norms = olmo2().tensors.filter(({ name }) => name.includes('norm')).map(({ name, shape }) => [name, ...shape]);
    expect(norms).toEqual([
      [ofLayer('post_attention_layernorm'), 32], [ofLayer('self_attn.q_norm'), 32], [ofLayer('self_attn.k_norm'), 16], [ofLayer('post_feedforward_layernorm'), 32],
    ]);
  });

  it('has biases only in the attention, if the config says so', () => {
    const biases = (layer: ReturnType<typeof olmo2>) => layer.tensors.filter(({ name }) => name.endsWith('.bias')).length;
    expect(biases(olmo2())).toBe(0);
    expect(biases(olmo2({ attention_bias: true }))).toBe(4);
  });

  it.each([
    [{ hidden_act: 'gelu' }, `hidden_act is "gelu"; expected 'silu'`],
    [{ rms_norm_eps: 0 }, 'rms_norm_eps is 0; expected a number above zero'],
    [{ attention_bias: 1 }, 'attention_bias is 1; expected true or false'],
  ])('refuses %j', (changes, message) => {
    expect(() => olmo2(changes)).toThrow(`${where}: ${message}`);
  });
});

describe('Gemma', () => {
  const gemma = (changes: Record<string, unknown>) => load({ model_type: 'gemma2', ...changes });
  const multimodal = (text: Record<string, unknown>, changes: Record<string, unknown> = {}) =>
    modelFromConfig({ model_type: 'gemma3', text_config: { ...base, model_type: 'gemma3_text', ...text }, ...changes }, where);

  it.each([
    [{ hidden_activation: 'gelu' }, `hidden_activation is "gelu"; expected 'gelu_pytorch_tanh'`],
    [{ query_pre_attn_scalar: 0 }, 'query_pre_attn_scalar is 0; expected a number above zero'],
    [{ attn_logit_softcapping: 0 }, 'attn_logit_softcapping is 0; expected a number above zero'],
    [{ final_logit_softcapping: '30' }, 'final_logit_softcapping is "30"; expected a number above zero'],
    [{ use_bidirectional_attention: true }, 'use_bidirectional_attention is true; expected none, because each token must see only the tokens before it'],
    [{ sliding_window: null }, 'sliding_window is null; expected an integer above zero, because some layers have a window'],
    [{ sliding_window: null, layer_types: ['sliding_attention', 'full_attention'] }, 'layer_types is ["sliding_attention","full_attention"]; expected full_attention only, because sliding_window is null'],
    [{ model_type: 'gemma3_text', attn_logit_softcapping: 50 }, 'attn_logit_softcapping is 50; expected none, because transformers does not apply it'],
    [{ model_type: 'gemma3_text', sliding_window_pattern: 0 }, 'sliding_window_pattern is 0; expected an integer above zero'],
    [{ model_type: 'gemma3_text', rope_local_base_freq: -1 }, 'rope_local_base_freq is -1; expected a number above zero'],
    [{ model_type: 'gemma3_text', rope_parameters: { sliding_attention: { rope_type: 'odd' } } }, 'rope_parameters.sliding_attention.rope_type is "odd"'],
    [
      { model_type: 'gemma3_text', rope_scaling: { rope_type: 'linear', factor: 8 }, rope_parameters: { full_attention: { rope_theta: 5 } } },
      'rope_scaling is {"rope_type":"linear","factor":8}; expected none, because rope_parameters.full_attention is set',
    ],
  ])('refuses %j', (changes, message) => {
    expect(() => gemma(changes)).toThrow(ModelConfigError);
    expect(() => gemma(changes)).toThrow(`${where}: ${message}`);
  });

  it('names keys in the text part of a multimodal model too', () => {
    expect(() => multimodal({ hidden_size: 0 })).toThrow(`${where}: text_config.hidden_size is 0; expected an integer above zero`);
    expect(() => multimodal({ final_logit_softcapping: 30 })).toThrow('text_config.final_logit_softcapping is 30; expected none');
    expect(() => multimodal({ use_qk_norm: true })).toThrow('text_config.use_qk_norm is true; expected no such key');
    expect(() => multimodal({}, { quantization_config: { bits: 4 } })).toThrow('quantization_config is {"bits":4}; expected none');
    expect(() => modelFromConfig({ model_type: 'gemma3' }, where)).toThrow('text_config is missing; expected an object');
  });

  it('finds the tensors of a multimodal model in old and new checkpoints, and takes tying of the head from the top level', () => {
    const model = multimodal({ tie_word_embeddings: false });
    const { inputs: [query] } = model.decoderLayer(1).subBlocks[0];
    const rest = 'layers.1.self_attn.q_proj.weight';
    expect(query.aliases).toEqual(expect.arrayContaining([`language_model.model.${rest}`, `model.language_model.${rest}`, rest]));
    expect(model.decoderLayer(1).tensors.find(({ name }) => name === query.name)?.aliases).toEqual(query.aliases);
    expect(model.tied?.head.aliases).toContain('language_model.lm_head.weight');
    expect(multimodal({}, { tie_word_embeddings: false }).tied).toBeUndefined();
  });

  // The text_config of google/gemma-3-4b-it has no other keys.
  it('takes the defaults of transformers for missing keys in a config of Gemma 3', () => {
    const text_config = { hidden_size: 2560, intermediate_size: 10240, model_type: 'gemma3_text', num_hidden_layers: 34, rope_scaling: { factor: 8.0, rope_type: 'linear' }, sliding_window: 1024 };
    const model = modelFromConfig({ model_type: 'gemma3', text_config, vision_config: { hidden_size: 1152 }, mm_tokens_per_image: 256, boi_token_index: 255999 }, where);
    expect([model.vocabularySize, model.maxPositions, model.decoderLayer(0).subBlocks[0].inputs.map(({ shape }) => shape[0])]).toEqual([262208, 131072, [2048, 1024, 1024]]);
  });

  it('has four norms around its sub-blocks, and Gemma 3 also norms of heads', () => {
    const norms = (model: DecoderModel) => model.decoderLayer(0).tensors.filter(({ name }) => name.includes('norm')).map(({ name }) => name.split('.').at(-2));
    const around = ['input_layernorm', 'post_attention_layernorm', 'pre_feedforward_layernorm', 'post_feedforward_layernorm'];
    expect(norms(gemma({}))).toEqual(around);
    expect(norms(gemma({ model_type: 'gemma3_text' })).sort()).toEqual([...around, 'q_norm', 'k_norm'].sort());
  });
});

describe('Granite', () => {
  it.each(['embedding_multiplier', 'attention_multiplier', 'residual_multiplier', 'logits_scaling'])('refuses an invalid factor %s', (key) => {
    for (const value of [0, -1, '2', true]) {
      expect(() => load({ model_type: 'granite', [key]: value })).toThrow(`${where}: ${key} is ${JSON.stringify(value)}; expected a number above zero`);
    }
  });

  it('has biases if the config says so', () => {
    const biases = (changes: Record<string, unknown>) => load({ model_type: 'granite', ...changes }).decoderLayer(0).tensors.filter(({ name }) => name.endsWith('.bias')).length;
    expect([biases({}), biases({ attention_bias: true }), biases({ mlp_bias: true })]).toEqual([0, 4, 3]);
  });
});

describe('fused linears', () => {
  const partsOf = (changes: Record<string, unknown>, block = 0) => load(changes).decoderLayer(0).subBlocks[block].inputs.map(({ name, shape, part }) => [name.split('.').at(-2), shape[0], part?.of, part?.from, part?.run, part?.stride, part?.rows]);

  it('stacks queries, keys and values of Phi-3 in one matrix, and gate and up in another', () => {
    const phi3 = { model_type: 'phi3', num_key_value_heads: 2 };
    const qkv = 'model.layers.0.self_attn.qkv_proj.weight';
    expect(partsOf(phi3)).toEqual([['q_proj', 32, qkv, 0, 32, 64, 64], ['k_proj', 16, qkv, 32, 16, 64, 64], ['v_proj', 16, qkv, 48, 16, 64, 64]]);
    const gateUp = 'model.layers.0.mlp.gate_up_proj.weight';
    expect(partsOf(phi3, 1)).toEqual([['gate_proj', 88, gateUp, 0, 88, 176, 176], ['up_proj', 88, gateUp, 88, 88, 176, 176]]);
    expect(load(phi3).decoderLayer(0).subBlocks[0].inputs[0].part?.aliases).toEqual(['layers.0.self_attn.qkv_proj.weight']);
  });

  it('interleaves those of GPT-NeoX head by head, biases too', () => {
    const neox = 'gpt_neox.layers.0.attention.query_key_value.weight';
    expect(partsOf({ model_type: 'gpt_neox' })).toEqual([['q_proj', 32, neox, 0, 8, 24, 96], ['k_proj', 32, neox, 8, 8, 24, 96], ['v_proj', 32, neox, 16, 8, 24, 96]]);
    const bias = load({ model_type: 'gpt_neox' }).decoderLayer(0).tensors.find(({ name }) => name.endsWith('k_proj.bias'));
    expect(bias).toMatchObject({ shape: [32], part: { of: 'gpt_neox.layers.0.attention.query_key_value.bias', from: 8, run: 8, stride: 24, rows: 96 } });
  });

  it.each([
    [{ model_type: 'phi3', rope_scaling: { type: 'linear', factor: 2 } }, 'rope_scaling.type is "linear"; expected one of default, longrope, su, yarn'],
    [{ model_type: 'phi3', rope_scaling: { type: 'yarn', factor: 2 } }, 'rope_scaling.short_factor is missing; expected a list of 4 numbers above zero'],
    [{ model_type: 'phi3', partial_rotary_factor: 1.5 }, 'partial_rotary_factor is 1.5; expected a number above zero, at most 1'],
    [{ model_type: 'phi3', sliding_window: 0 }, 'sliding_window is 0; expected an integer above zero'],
    [
      { model_type: 'phi3', partial_rotary_factor: 0.5, rope_scaling: { type: 'longrope', short_factor: [1, 1, 1, 1], long_factor: [1, 1] } },
      'rope_scaling.short_factor is [1,1,1,1]; expected a list of 2 numbers above zero',
    ],
    [
      { model_type: 'phi3', original_max_position_embeddings: 64, rope_scaling: { type: 'default', original_max_position_embeddings: 32 } },
      'rope_scaling.original_max_position_embeddings is 32; expected the same as at the top level (64)',
    ],
    [{ model_type: 'gpt_neox', rotary_pct: 2 }, 'rotary_pct is 2; expected a number above zero, at most 1'],
    [{ model_type: 'gpt_neox', rope_scaling: { type: 'default', partial_rotary_factor: -1 } }, 'rope_scaling.partial_rotary_factor is -1; expected a number above zero'],
    [{ model_type: 'gpt_neox', hidden_act: 'gelu_fast' }, `hidden_act is "gelu_fast"; expected 'gelu'`],
    [{ model_type: 'gpt_neox', num_attention_heads: 5 }, 'num_attention_heads is 5; expected a divisor of hidden_size (32)'],
    [{ model_type: 'gpt_neox', use_parallel_residual: 1 }, 'use_parallel_residual is 1; expected true or false'],
    [{ model_type: 'gpt_neox', rotary_emb_base: 0 }, 'rotary_emb_base is 0; expected a number above zero'],
    [{ model_type: 'gpt_neox', quantization_config: { bits: 4 } }, 'quantization_config is {"bits":4}; expected none'],
  ])('refuses %j', (changes, message) => {
    expect(() => load(changes)).toThrow(ModelConfigError);
    expect(() => load(changes)).toThrow(`${where}: ${message}`);
  });
});

describe('OPT', () => {
  const names = (changes: Record<string, unknown>) => {
    const model = load({ ...opt, ...changes });
    return [...model.embeddingTensors, ...model.decoderLayer(0).tensors, ...model.headTensors].map(({ name }) => name.replace('model.decoder.', ''));
  };

  it('finds its tensors with or without the prefix, and the head also by its own name', () => {
    const model = load(opt);
    const [embedding, positions] = model.embeddingTensors;
    expect(embedding).toEqual({ name: 'model.decoder.embed_tokens.weight', shape: [96, 32], aliases: ['decoder.embed_tokens.weight', 'lm_head.weight'] });
    expect(positions).toMatchObject({ shape: [2050, 32], aliases: ['decoder.embed_positions.weight'] });
    for (const { name, aliases } of model.decoderLayer(1).tensors) expect(`model.${aliases?.[0]}`).toBe(name);
    expect(load({ ...opt, tie_word_embeddings: false }).headTensors.at(-1)).toEqual({ name: 'lm_head.weight', shape: [96, 32] });
  });

  it('requires no tensor that a variant does not have', () => {
    expect(names({ enable_bias: false }).filter((name) => /(proj|fc.)\.bias/.test(name))).toEqual([]);
    expect(names({ enable_bias: false })).toContain('layers.0.final_layer_norm.bias');
    expect(names({ layer_norm_elementwise_affine: false }).filter((name) => name.includes('norm'))).toEqual([]);
    expect(names({})).toContain('final_layer_norm.weight');
    expect(names({ _remove_final_layer_norm: true })).not.toContain('final_layer_norm.weight');
    expect(names({ do_layer_norm_before: false })).not.toContain('final_layer_norm.weight');
    expect(names({}).filter((name) => name.startsWith('project'))).toEqual([]);
    expect(names({ word_embed_proj_dim: 16 }).filter((name) => name.startsWith('project'))).toEqual(['project_in.weight', 'project_out.weight']);
  });
});
