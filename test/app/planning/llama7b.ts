import { modelSize, type ModelSize } from '../../../science/cost/index.js';
import { modelFromConfig, type DecoderModel } from '../../../science/models/index.js';

/** The sizes in the config.json of LLaMA-7B (Touvron et al. 2023, table 2). */
export const llama7bConfig = {
  model_type: 'llama', hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 32,
  vocab_size: 32000, max_position_embeddings: 2048, rms_norm_eps: 1e-6, hidden_act: 'silu', tie_word_embeddings: false, torch_dtype: 'float16',
};

export function llama7b(): { model: DecoderModel; size: ModelSize } {
  const model = modelFromConfig(llama7bConfig, 'config.json');
  return { model, size: modelSize(model, { bytesPerWeight: 2 }) };
}

export const cpuEngine = { backend: 'tensorflow', version: 'test', device: 'cpu', threads: 2 } as const;
