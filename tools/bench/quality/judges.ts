/** Texts and questions that are scored. They go through the layers next to the calibration windows, and are judged at the end. */
import { join } from 'node:path';
import { loadTask, taskPath } from '../../../app/config/index.js';
import { questionForms, readQuestions, type Question } from '../../../files/datasets/index.js';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import { batchesOf, likeliest, logLikelihoods, perplexity, requestEncoder, sequencesOf, tokenLosses, type SequenceBatch } from '../../../science/evaluation/index.js';
import { layerForward, type Masks, type Updates } from '../../../science/methods/index.js';
import { disposeLayout, sequenceLayout, type DecoderLayer } from '../../../science/models/index.js';
import type { BenchModel, IdBatch } from './bench-model.js';
import type { Evaluation, Questions, Scores } from './cell.js';
import { SignMeter } from './signs.js';

/** Token ids on their way through the pruned layers. */
class Stream {
  private constructor(readonly batches: readonly IdBatch[], public hidden: Tensor3D[]) {}

  static async begin(bench: BenchModel, batches: readonly IdBatch[]): Promise<Stream> {
    return new Stream(batches, await bench.embed(batches));
  }

  async advance(layer: DecoderLayer, weights: ReadonlyMap<string, Tensor>, pruned: { masks?: Masks; updates?: Updates }): Promise<void> {
    const layouts = this.batches.flatMap(({ layout }) => layout ?? []);
    this.hidden = await layerForward({ layer, hidden: this.hidden, weights, ...pruned, ...(layouts.length > 0 && { layouts }) });
  }

  dispose(): void {
    tf.dispose(this.hidden);
    for (const { layout } of this.batches) if (layout !== undefined) disposeLayout(layout);
  }
}

/** A text or the tasks as a stream, and the function that scores it after the last layer. */
interface Judge {
  stream: Stream;
  signs?: SignMeter;
  score: (weights: ReadonlyMap<string, Tensor>) => Scores;
}

/** Everything that a cell is judged by. */
export class Judges {
  private constructor(private readonly judges: readonly Judge[]) {}

  /** @param data the shared data */
  static async begin(bench: BenchModel, { evaluations, questions }: { evaluations: readonly Evaluation[]; questions?: Questions }, data: string): Promise<Judges> {
    const judges: Judge[] = [];
    for (const evaluation of evaluations) judges.push(await perplexityJudge(bench, evaluation));
    if (questions !== undefined) judges.push(await questionJudge(bench, questions, data));
    return new Judges(judges);
  }

  async advance(...pruned: Parameters<Stream['advance']>): Promise<void> {
    const [layer, weights] = pruned;
    for (const { stream, signs } of this.judges) {
      const before = signs === undefined ? [] : SignMeter.part(stream.hidden);
      await stream.advance(...pruned);
      await signs?.advance(layer, weights, before, stream.hidden);
      tf.dispose(before);
    }
  }

  /** Scores all streams after the last layer. @param weights of the head */
  score(weights: ReadonlyMap<string, Tensor>): Scores {
    const scores = this.judges.map(({ score }) => score(weights));
    const all = <Name extends 'perplexity' | 'signs'>(name: Name) => Object.assign({}, ...scores.map((one) => one[name])) as Scores[Name];
    return Object.assign({}, ...scores, { perplexity: all('perplexity'), signs: all('signs') }) as Scores;
  }

  dispose(): void {
    for (const { stream, signs } of this.judges) {
      signs?.dispose();
      stream.dispose();
    }
  }
}

async function perplexityJudge(bench: BenchModel, evaluation: Evaluation): Promise<Judge> {
  const stream = await Stream.begin(bench, await bench.evaluationWindows(evaluation));
  const signs = SignMeter.begin(stream.hidden);
  const score: Judge['score'] = (weights) => {
    let sum = 0;
    let count = 0;
    stream.batches.forEach(({ ids, shape }, index) => {
      const windows = tf.tensor2d(ids, shape, 'int32');
      for (const loss of tokenLosses(bench.model, weights, stream.hidden[index], windows)) {
        sum += loss;
        count++;
      }
      windows.dispose();
    });
    return {
      perplexity: { [evaluation.name]: perplexity(sum, count) },
      signs: { [evaluation.name]: signs.finish(bench.model, weights, stream.hidden) },
    };
  };
  return { stream, signs, score };
}

/** Files of the shared data whose names differ from their task. */
const fileOf: Readonly<Record<string, string>> = { rte: 'rte.val', openbookqa: 'openbook_qa' };

/** Maximum number of question sequences that go through a layer together. */
const maxQuestions = 16;

/** Judges by the share of right answers (`acc`), averaged over the tasks. */
async function questionJudge(bench: BenchModel, { tasks, documents }: Questions, data: string): Promise<Judge> {
  const encode = requestEncoder({ encode: bench.tokenizer.encode, maxLength: bench.model.maxPositions });
  const asked: { task: string; question: Question; first: number }[] = [];
  const sequences = [];
  let count = 0;
  for (const task of tasks) {
    const file = join(data, 'zeroshot', `${fileOf[task] ?? task}.jsonl`);
    for (const question of await readQuestions([file], questionForms(loadTask(taskPath(task))), documents)) {
      const requests = await Promise.all(question.contexts.map((context, answer) => encode({ context, continuation: question.continuations[answer] })));
      sequences.push(...sequencesOf(requests, count, (time) => time));
      asked.push({ task, question, first: count });
      count += requests.length;
    }
  }
  const made = batchesOf(sequences, { most: () => maxQuestions, maxLength: bench.model.maxPositions });
  const stream = await Stream.begin(bench, made.map(withLayout));
  const score: Judge['score'] = (weights) => {
    const sums = new Float64Array(count);
    made.forEach(({ scored }, index) => {
      logLikelihoods(bench.model, weights, stream.hidden[index], scored).forEach((value, i) => (sums[scored[i].request] += value));
    });
    const shares = tasks.map((task) => {
      const own = asked.filter((one) => one.task === task);
      const right = own.filter(({ question: { contexts, gold }, first }) =>
        likeliest({ logLikelihoods: [...sums.subarray(first, first + contexts.length)], lengths: [], gold }) === gold);
      return right.length / own.length;
    });
    return { perplexity: {}, accuracy: shares.reduce((sum, share) => sum + share, 0) / shares.length };
  };
  return { stream, score };
}

function withLayout({ count, time, ids, tails }: SequenceBatch): IdBatch {
  return { ids, shape: [count, time], layout: sequenceLayout(tails, [count, time]) };
}
