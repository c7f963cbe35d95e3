import type { Question, Tokenizer } from '../../datasets/index.js';
import { batchesOf, logLikelihoods, requestEncoder, sequencesOf, type SequenceCost } from '../../evaluation/index.js';
import { tf, type Tensor } from '../../engine/index.js';
import { disposeLayout, sequenceLayout, type DecoderModel } from '../../models/index.js';
import { layerForward } from '../../pruning/index.js';

export interface Scoring {
  model: DecoderModel;
  weights: ReadonlyMap<string, Tensor>;
  tokenizer: Tokenizer;
  bos?: number;
  cost?: SequenceCost;
  /** Most sequences of a batch. */
  most?: number;
}

/** Log-likelihoods of the answers of all questions, with the whole model in memory. */
export async function scoreQuestions(questions: readonly Question[], { model, weights, tokenizer, bos, cost = (time) => time, most = 64 }: Scoring): Promise<number[][]> {
  const encode = requestEncoder({ encode: tokenizer.encode, maxLength: model.maxPositions, ...(bos !== undefined && { bos }) });
  let first = 0;
  const sequences = questions.flatMap(({ contexts, continuations }) => {
    const requests = contexts.map((context, answer) => encode({ context, continuation: continuations[answer] }));
    first += requests.length;
    return sequencesOf(requests, first - requests.length, cost);
  });
  const sums = new Float64Array(first);
  for (const { count, time, ids, tails, scored } of batchesOf(sequences, { most: () => most, maxLength: model.maxPositions })) {
    const layout = sequenceLayout(tails, [count, time]);
    const tokens = tf.tensor2d(ids, [count, time], 'int32');
    let hidden = [model.embed(tokens, weights, layout)];
    for (let index = 0; index < model.layers; index++) hidden = await layerForward({ layer: model.decoderLayer(index), hidden, weights, layouts: [layout] });
    logLikelihoods(model, weights, hidden[0], scored).forEach((value, i) => (sums[scored[i].request] += value));
    tf.dispose([hidden[0], tokens]);
    disposeLayout(layout);
  }
  let next = 0;
  return questions.map(({ contexts }) => contexts.map(() => sums[next++]));
}
