import { describe, expect, it } from 'vitest';
import { linearKind, linearsOf, modelFromConfig } from '../../../science/models/index.js';

const shape = { hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 7 };
const config = (model_type: string): Record<string, unknown> =>
  ({ model_type, ...shape, ...(model_type === 'opt' ? { ffn_dim: 12 } : { intermediate_size: 12, num_key_value_heads: 1 }) });

describe('kinds of linears', () => {
  const gated = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
  it.each([['gemma2', gated], ['gemma3_text', gated], ['granite', gated], ['llama', gated], ['mistral', gated], ['olmo2', gated], ['qwen2', gated], ['qwen3', gated], ['opt', ['q', 'k', 'v', 'o', 'up', 'down']]])('%s', (family, kinds) => {
    const model = modelFromConfig(config(family), 'config.json');
    for (const layer of [0, 1]) expect(linearsOf(model.decoderLayer(layer)).map(({ name }) => linearKind(name))).toEqual(kinds);
  });

  it('is unknown for other names', () => {
    for (const name of ['lm_head.weight', 'constructor.weight', 'weight', '']) expect(linearKind(name)).toBeUndefined();
  });
});
