/**
 * Signs by which a guard could judge a pruned model on text that it was not calibrated on: the error of each layer, the distance
 * from the dense model's residual stream, and the divergence from its logits. The bench measures which of them ranks methods in the
 * same order as the perplexity on another text.
 */
import { tf, type Tensor, type Tensor2D, type Tensor3D } from '../../../science/engine/index.js';
import { layerForward } from '../../../science/methods/index.js';
import type { DecoderLayer, DecoderModel } from '../../../science/models/index.js';
import type { Signs } from './cell.js';
import { mean, sum } from './lists.js';

/** The number of batches of a text that signs are measured on. */
const signBatches = 4;

/** The number of rows whose logits are held at once, for both models. */
const rowsAtOnce = 256;

type Weights = ReadonlyMap<string, Tensor>;

/** Compares the residual streams of the dense and the pruned model, for the first batches of a text. */
export class SignMeter {
  private readonly layerErrors: number[] = [];
  private readonly pathErrors: number[] = [];

  private constructor(private dense: Tensor3D[]) {}

  /** @param embedded the text's residual stream before the first layer; it is not disposed */
  static begin(embedded: readonly Tensor3D[]): SignMeter {
    return new SignMeter(SignMeter.part(embedded));
  }

  /** Returns the part of a stream that signs are measured on. It outlives the stream. The caller disposes it. */
  static part(stream: readonly Tensor3D[]): Tensor3D[] {
    return stream.slice(0, signBatches).map((batch) => batch.clone());
  }

  /**
   * Goes through one layer. Does not dispose its arguments.
   *
   * @param before {@link part} of the pruned model's stream before the layer
   * @param after its stream after the layer
   */
  async advance(layer: DecoderLayer, weights: Weights, before: readonly Tensor3D[], after: readonly Tensor3D[]): Promise<void> {
    const wanted = await layerForward({ layer, hidden: before, weights, keepInput: true });
    this.layerErrors.push(shareOf(after, wanted, before));
    tf.dispose(wanted);
    this.dense = await layerForward({ layer, hidden: this.dense, weights });
    this.pathErrors.push(shareOf(after, this.dense));
  }

  /** @param after the pruned model's stream after the last layer; not disposed */
  finish(model: DecoderModel, head: Weights, after: readonly Tensor3D[]): Signs {
    const divergences = this.dense.map((dense, index) => divergence(model, head, dense, after[index]));
    const tokens = this.dense.map(({ shape: [batch, time] }) => batch * time);
    return {
      layerError: mean(this.layerErrors),
      pathError: mean(this.pathErrors),
      divergence: sum(divergences) / sum(tokens),
    };
  }

  dispose(): void {
    tf.dispose(this.dense);
  }
}

/** Returns the squared distance of two streams, as a share of the squared distance of the wanted one from `began` (default: 0). */
function shareOf(made: readonly Tensor3D[], wanted: readonly Tensor3D[], began?: readonly Tensor3D[]): number {
  const squares = (of: (index: number) => Tensor3D): number =>
    sum(wanted.map((_, index) => tf.tidy(() => of(index).square().sum().dataSync()[0])));
  const distance = squares((index) => made[index].sub(wanted[index]));
  return distance / squares((index) => (began === undefined ? wanted[index] : wanted[index].sub(began[index])));
}

/** Returns the Kullback-Leibler divergence KL(dense || pruned) of the next token, summed over all tokens, in nats. */
function divergence(model: DecoderModel, head: Weights, dense: Tensor3D, pruned: Tensor3D): number {
  const [batch, time, hidden] = dense.shape;
  const rows = batch * time;
  const logOdds = (stream: Tensor3D, start: number, count: number): Tensor2D => {
    const part = stream.reshape<Tensor2D>([rows, hidden]).slice([start, 0], [count, hidden]).reshape<Tensor3D>([1, count, hidden]);
    return tf.logSoftmax(model.head(part, head).reshape<Tensor2D>([count, -1]));
  };
  let total = 0;
  for (let start = 0; start < rows; start += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - start);
    const part = tf.tidy(() => {
      const wanted = logOdds(dense, start, count);
      return wanted.exp().mul(wanted.sub(logOdds(pruned, start, count))).sum();
    });
    total += part.dataSync()[0];
    part.dispose();
  }
  return total;
}
