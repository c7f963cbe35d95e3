import type { StoryText } from './text.js';
import { storyText } from './text.js';
import { vocabulary } from './tokenizer-files.js';

/** The seeds of the demo model. They differ, so that scored text is never used for training or calibration. */
const seeds = { vocabulary: 1, training: 2, calibration: 3, heldOut: 4, weights: 5 };

/** Tokens per window, for the sizes of the texts and in the model card. */
export const windowLength = 128;

/** All words of the grammar. */
export const demoVocabulary = (): ReadonlyMap<string, number> => vocabulary(storyText(seeds.vocabulary, 200_000).text);

/** `calibration.txt`: 128 windows. */
export const calibrationText = (): StoryText => storyText(seeds.calibration, 128 * windowLength);

/** `heldout.txt`: 64 windows. */
export const heldOutText = (): StoryText => storyText(seeds.heldOut, 64 * windowLength);

/** `config.json` */
export const demoConfig = (vocabularySize: number) => ({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: vocabularySize,
  hidden_size: 64,
  intermediate_size: 176,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  torch_dtype: 'float32',
});

/** Initial weights are large, so that every weight matters after training and pruning does visible harm. */
export const training = {
  stories: seeds.training, seed: seeds.weights, batch: 16, time: 256, learningRate: 4e-3, warmup: 100, deviation: 0.25,
};
