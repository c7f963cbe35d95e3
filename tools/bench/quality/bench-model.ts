/** A model folder and its texts. Weights are read layer by layer, and each text is tokenized once. */
import { join } from 'node:path';
import { openModel, type OpenModel } from '../../../activities/open-model.js';
import { disposeWeights, toTensors } from '../../../activities/weights.js';
import { prefetch, resolveTensors } from '../../../files/checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText, type Tokenizer } from '../../../files/datasets/index.js';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import type { DecoderModel, SequenceLayout, TensorSpec } from '../../../science/models/index.js';
import type { Calibration, Evaluation } from './cell.js';
import { calibrationTokens, skippedTokens } from './models.js';

/** Token ids that go through a layer together, `[count, time]`. */
export interface IdBatch {
  ids: Int32Array;
  shape: [number, number];
  layout?: SequenceLayout;
}

/** Windows that go through a layer together. */
const perBatch = 4;

export class BenchModel {
  private readonly tokens = new Map<string, Promise<Int32Array>>();

  private constructor(
    readonly open: OpenModel,
    readonly tokenizer: Tokenizer,
    private readonly texts: string,
  ) {}

  /** @param texts folder of the texts */
  static async open(folder: string, texts: string): Promise<BenchModel> {
    return new BenchModel(await openModel(folder), await loadTokenizer(folder), texts);
  }

  get model(): DecoderModel {
    return this.open.model;
  }

  /** Calls `use` with float32 weights, which are disposed afterwards. */
  async withWeights<T>(specs: readonly TensorSpec[], use: (weights: Map<string, Tensor>) => Promise<T>): Promise<T> {
    const weights = await toTensors(specs, prefetch(resolveTensors(this.open.checkpoint, specs)));
    try {
      return await use(weights);
    } finally {
      disposeWeights(weights);
    }
  }

  /** Returns the residual stream before the first layer, batch by batch. The caller disposes it. */
  embed(batches: readonly IdBatch[]): Promise<Tensor3D[]> {
    const embedOne = (weights: Map<string, Tensor>, { ids, shape, layout }: IdBatch): Tensor3D =>
      tf.tidy(() => this.model.embed(tf.tensor2d(ids, shape, 'int32'), weights, layout));
    return this.withWeights(this.model.embeddingTensors, (weights) => Promise.resolve(batches.map((batch) => embedOne(weights, batch))));
  }

  async calibrationWindows(calibration: Calibration): Promise<IdBatch[]> {
    const { text, samples, length, sampling, seed } = calibration;
    const ids = await this.tokensOf(text);
    const allowed = ids.subarray(0, calibrationTokens(ids.length, calibration));
    return batchesOf(cutWindows(allowed, { samples, sequenceLength: length, sampling, seed }), length);
  }

  async evaluationWindows({ text, skip, windows, length }: Evaluation): Promise<IdBatch[]> {
    const ids = await this.tokensOf(text);
    return batchesOf(cutAllWindows(ids, { sequenceLength: length, skipTokens: skippedTokens(ids.length, skip), maxWindows: windows }), length);
  }

  private tokensOf(text: string): Promise<Int32Array> {
    const ids = this.tokens.get(text) ?? readText({ file: join(this.texts, text) }).then((read) => this.tokenizer.encode(read));
    this.tokens.set(text, ids);
    return ids;
  }
}

function batchesOf(ids: Int32Array, time: number): IdBatch[] {
  const size = perBatch * time;
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, index) => {
    const part = ids.subarray(index * size, (index + 1) * size);
    return { ids: part, shape: [part.length / time, time] };
  });
}
