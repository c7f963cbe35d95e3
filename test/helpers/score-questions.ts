import type { Question, Tokenizer } from '../../files/datasets/index.js';
import { tf, type Tensor } from '../../science/engine/index.js';
import { batchesOf, logLikelihoods, requestEncoder, sequencesOf, type EncodedRequest, type SequenceCost } from '../../science/evaluation/index.js';
import { disposeLayout, sequenceLayout, type DecoderModel } from '../../science/models/index.js';
import { layerForward } from '../../science/methods/index.js';

interface Scoring {
  model: DecoderModel;
  weights: ReadonlyMap<string, Tensor>;
  cost?: SequenceCost;
  /** Largest number of sequences in a batch. */
  most?: number;
}

/** Computes the log-likelihoods of the answers of all questions, with the whole model in memory. */
export async function scoreQuestions(questions: readonly Question[], { tokenizer, ...scoring }: Scoring & { tokenizer: Tokenizer }): Promise<number[][]> {
  const encode = requestEncoder({ encode: tokenizer.encode, maxLength: scoring.model.maxPositions });
  const requests = questions.map(({ contexts, continuations }) => Promise.all(contexts.map((context, answer) => encode({ context, continuation: continuations[answer] }))));
  return scoreRequests(await Promise.all(requests), scoring);
}

/** The same for requests that are encoded already, by document. */
export async function scoreRequests(documents: readonly EncodedRequest[][], { model, weights, cost = (time) => time, most = 64 }: Scoring): Promise<number[][]> {
  let first = 0;
  const sequences = documents.flatMap((requests) => {
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
  return documents.map((requests) => requests.map(() => sums[next++]));
}
