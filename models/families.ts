import type { ConfigReader } from './config-reader.js';
import { llama } from './llama.js';
import type { DecoderModel } from './types.js';

/** Every decoder family, by the `model_type` of its `config.json`. A new one is a file beside this and a line here. */
export const families: Readonly<Record<string, (config: ConfigReader) => DecoderModel>> = {
  llama,
};
