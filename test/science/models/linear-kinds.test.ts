import { describe, expect, it } from 'vitest';
import { linearBlock } from '../../../science/models/linear-kinds.js';
import { linearKind, linearsOf, modelFromConfig } from '../../../science/models/index.js';

const shape = { hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 7 };
const config = (model_type: string): Record<string, unknown> =>
  ({ model_type, ...shape, ...(model_type === 'opt' ? { ffn_dim: 12 } : model_type === 'gpt_neox' ? { intermediate_size: 12 } : { intermediate_size: 12, num_key_value_heads: 1 }) });

describe('kinds of linears', () => {
  const gated = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
  it.each([['gemma2', gated], ['gemma3_text', gated], ['granite', gated], ['llama', gated], ['mistral', gated], ['olmo2', gated], ['phi3', gated], ['gpt_neox', ['q', 'k', 'v', 'o', 'up', 'down']], ['qwen2', gated], ['qwen3', gated], ['opt', ['q', 'k', 'v', 'o', 'up', 'down']]])('%s', (family, kinds) => {
    const model = modelFromConfig(config(family), 'config.json');
    for (const layer of [0, 1]) expect(linearsOf(model.decoderLayer(layer)).map(({ name }) => linearKind(name))).toEqual(kinds);
  });

  it('of experts match those of a gated MLP', () => {
    for (const family of ['mixtral', 'qwen3_moe', 'qwen2_moe', 'olmoe']) {
      const kinds = linearsOf(modelFromConfig({ ...config(family), num_experts: 2, num_experts_per_tok: 1 }, 'config.json').decoderLayer(1)).map(({ name }) => linearKind(name));
      expect(kinds.slice(4)).toEqual(Array(family === 'qwen2_moe' ? 3 : 2).fill(['gate', 'up', 'down']).flat());
    }
  });

  it('belong to their sub-block, fused or not', () => {
    const names = ['self_attn.q_proj', 'self_attn.qkv_proj', 'attention.query_key_value', 'attention.dense', 'self_attn.out_proj', 'mlp.gate_up_proj', 'mlp.dense_h_to_4h', 'fc2'];
    expect(names.map((name) => linearBlock(`layers.3.${name}.weight`))).toEqual([...Array<string>(5).fill('attention'), 'mlp', 'mlp', 'mlp']);
  });

  it('are unknown for other names', () => {
    for (const name of ['lm_head.weight', 'constructor.weight', 'weight', '']) expect(linearKind(name)).toBeUndefined();
  });
});
