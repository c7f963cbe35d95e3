import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../engine/index.js';
import { TokenOutOfVocabularyError } from './errors.js';

/**
 * Looks up the rows of the embedding for token ids.
 *
 * @param ids int32 `[batch, time]`
 * @param embedding `[vocabulary, hidden]`
 * @returns `[batch, time, hidden]`
 * @throws TokenOutOfVocabularyError if an id has no row, for which engines would return noise or crash.
 */
export function embedTokens(ids: Tensor2D, embedding: Tensor2D): Tensor3D {
  const rows = embedding.shape[0];
  const stray = ids.dataSync().find((id) => id < 0 || id >= rows);
  if (stray !== undefined) {
    throw new TokenOutOfVocabularyError({
      what: `token id ${stray} has no row in the embedding`,
      expected: `ids from 0 to ${rows - 1}`,
      remedy: 'Use the tokenizer that belongs to the model',
    });
  }
  const [batch, time] = ids.shape;
  return tf.tidy(() => embedding.gather(ids.reshape<Tensor1D>([batch * time])).reshape<Tensor3D>([batch, time, embedding.shape[1]]));
}
