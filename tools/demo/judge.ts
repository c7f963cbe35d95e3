import { tf, type Tensor2D, type Tensor3D } from '../../science/engine/index.js';
import { perplexity, tokenLosses } from '../../science/evaluation/index.js';
import { forwardLogits, runDecoderLayer, type DecoderModel, type Weights } from '../../science/models/index.js';
import type { Chooser } from './chooser.js';

/** Returns the perplexity of a token stream, cut into windows of `time` tokens. */
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

/** Returns the perplexity of a model that knows only the frequency of each token. A fluent model must be far better. */
export function unigramPerplexity(tokens: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / tokens.length) * Math.log(count / tokens.length);
  return Math.exp(entropy);
}

/** Chooses a token from the probabilities of all tokens. */
export type TokenChoice = (probabilities: Float32Array) => number;

export const likeliest: TokenChoice = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/** Draws each token with its probability. */
export const drawn = (choose: Chooser): TokenChoice => (probabilities) => {
  let left = choose.uniform();
  const token = probabilities.findIndex((probability) => (left -= probability) < 0);
  // Because of rounding, the probabilities may add up to slightly less than 1.
  return token < 0 ? likeliest(probabilities) : token;
};

/** Returns the prompt, followed by `length` tokens that the model generates. */
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
