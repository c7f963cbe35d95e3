import type { ConfigReader } from './config-reader.js';
import { gemma2 } from './gemma2.js';
import { gemma3, gemma3Text } from './gemma3.js';
import { gptNeox } from './gpt-neox.js';
import { granite } from './granite.js';
import { llama } from './llama.js';
import { mistral } from './mistral.js';
import { mixtral } from './mixtral.js';
import { olmo2 } from './olmo2.js';
import { olmoe } from './olmoe.js';
import { opt } from './opt.js';
import { phi3 } from './phi3.js';
import { qwen2 } from './qwen2.js';
import { qwen2Moe } from './qwen2-moe.js';
import { qwen3 } from './qwen3.js';
import { qwen3Moe } from './qwen3-moe.js';
import type { DecoderModel } from './types.js';

/** All decoder families, by the `model_type` of `config.json`. A new family is a file in this folder and a line here: docs/families.md. */
export const families: Readonly<Record<string, (config: ConfigReader) => DecoderModel>> = {
  gemma2, gemma3, gemma3_text: gemma3Text, gpt_neox: gptNeox, granite, llama, mistral, mixtral, olmo2, olmoe, opt, phi3, qwen2, qwen2_moe: qwen2Moe,
  qwen3, qwen3_moe: qwen3Moe,
};
