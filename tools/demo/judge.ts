import { tf, type Tensor2D, type Tensor3D } from '../../science/engine/index.js';
import { perplexity, tokenLosses } from '../../science/evaluation/index.js';
import { forwardLogits, runDecoderLayer, type DecoderModel, type Weights } from '../../science/models/index.js';
import type { Chooser } from './chooser.js';

/** Perplexity of a token stream, cut into windows of `time` tokens. */
export function heldOutPerplexity(model: DecoderModel, weights: Weights, tokens: readonly number[], time: number): number {
  let sum = 0;
  let count = 0;
  for (let start = 0; start + time <= tokens.length; start += time) {
    const losses = tf.tidy(() => {
      const ids: Tensor2D = tf.tensor2d(tokens.slice(start, start + time), [1, time], 'int32');
      let h: Tensor3D = model.embed(ids, weights);
      for (let index = 0; index < model.layers; index++) h = runDecoderLayer(model.decoderLayer(index), h, weights);
      return { losses: tokenLosses(model, weights, h, ids) };
    }).losses;
    for (const loss of losses) sum += loss;
    count += losses.length;
  }
  return perplexity(sum, count);
}

/** Perplexity of a model that knows only how often each token comes: what fluency must beat by far. */
export function unigramPerplexity(tokens: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / tokens.length) * Math.log(count / tokens.length);
  return Math.exp(entropy);
}

/** Chooses a token by the probabilities of all. */
export type TokenChoice = (probabilities: Float32Array) => number;

export const likeliest: TokenChoice = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/** Each token as often as the model expects it. */
export const drawn = (choose: Chooser): TokenChoice => (probabilities) => {
  let left = choose.uniform();
  const token = probabilities.findIndex((probability) => (left -= probability) < 0);
  // Rounding may leave a little more than the probabilities add up to.
  return token < 0 ? likeliest(probabilities) : token;
};

/** A prompt and what the model says after it, token by token. */
export function continueStory(
  model: DecoderModel, weights: Weights, prompt: readonly number[], length: number, choice: TokenChoice,
): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + length) {
    const probabilities = tf.tidy(() => {
      const logits = forwardLogits(model, weights, tf.tensor2d(tokens, [1, tokens.length], 'int32'));
      return logits.slice([0, tokens.length - 1, 0], [1, 1, model.vocabularySize]).softmax().dataSync<'float32'>();
    });
    tokens.push(choice(probabilities));
  }
  return tokens;
}
