import { tf, type Tensor, type Tensor1D, type Tensor2D } from '../../science/engine/index.js';
import { forwardLogits, type DecoderModel, type TensorSpec } from '../../science/models/index.js';

export interface TrainingSettings {
  steps: number;
  /** Windows per step. */
  batch: number;
  /** Tokens per window. */
  time: number;
  /** Reached after `warmup` steps, then lowered along half a cosine to a twentieth of it. */
  learningRate: number;
  warmup: number;
  /** Standard deviation of the matrices' initial values. */
  deviation: number;
  seed: number;
}

interface Parameter {
  value: Tensor;
  /** Adam's running means of the gradient and of its square. */
  mean: Tensor;
  square: Tensor;
}

const [meanDecay, squareDecay, tiny] = [0.9, 0.98, 1e-8];

/** Trains a decoder model from random weights, in memory: Adam (Kingma and Ba 2015) on next-token cross-entropy. */
export class Trainer {
  private readonly parameters = new Map<string, Parameter>();
  private step = 0;

  constructor(private readonly model: DecoderModel, private readonly settings: TrainingSettings) {
    const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index).tensors).flat();
    for (const [i, spec] of [...model.embeddingTensors, ...layers, ...model.headTensors].entries()) {
      if (this.parameters.has(spec.name)) continue;
      const value = initialValue(spec, model, settings.deviation, settings.seed + i);
      this.parameters.set(spec.name, { value, mean: tf.zerosLike(value), square: tf.zerosLike(value) });
    }
  }

  /** The current weights, owned by the trainer. */
  get weights(): Map<string, Tensor> {
    return new Map([...this.parameters].map(([name, { value }]) => [name, value]));
  }

  /**
   * Takes one step on `batch` windows of the stream.
   *
   * @returns the loss before the step, in nats per token.
   */
  train(stream: Iterator<number, never>): number {
    const { batch, time } = this.settings;
    const tokens = Int32Array.from({ length: batch * time }, () => stream.next().value);
    const ids = tf.tensor2d(tokens, [batch, time], 'int32');
    const names = [...this.parameters.keys()];
    const loss = (...values: Tensor[]) => crossEntropy(this.model, new Map(names.map((name, i) => [name, values[i]])), ids);
    const { value, grads } = tf.valueAndGrads(loss)([...this.weights.values()]);
    this.step++;
    for (const [i, name] of names.entries()) this.update(this.parameters.get(name) as Parameter, grads[i]);
    const number = value.dataSync()[0];
    tf.dispose([ids, value, grads]);
    return number;
  }

  private update(parameter: Parameter, gradient: Tensor): void {
    const { value, mean, square } = parameter;
    Object.assign(parameter, tf.tidy(() => {
      const nextMean = mean.mul(meanDecay).add(gradient.mul(1 - meanDecay));
      const nextSquare = square.mul(squareDecay).add(gradient.square().mul(1 - squareDecay));
      const size = nextSquare.div(1 - squareDecay ** this.step).sqrt().add(tiny);
      const change = nextMean.div(size).mul(this.rate() / (1 - meanDecay ** this.step));
      return { value: value.sub(change), mean: nextMean, square: nextSquare };
    }));
    tf.dispose([value, mean, square]);
  }

  private rate(): number {
    const { steps, learningRate, warmup } = this.settings;
    if (this.step < warmup) return (learningRate * this.step) / warmup;
    const done = (this.step - warmup) / Math.max(1, steps - warmup);
    return learningRate * (0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * done)));
  }
}

/** Returns ones for norms and noise for matrices. Matrices whose output is added to the residual stream get less noise. */
function initialValue({ name, shape }: TensorSpec, model: DecoderModel, deviation: number, seed: number): Tensor {
  if (shape.length === 1) return tf.ones([...shape]);
  const residual = /(o_proj|down_proj)/.test(name) ? 1 / Math.sqrt(2 * model.layers) : 1;
  return tf.randomNormal([...shape], 0, deviation * residual, 'float32', seed);
}

/** Returns the mean negative log-likelihood, in nats, of all tokens except the first of each window. */
function crossEntropy(model: DecoderModel, weights: Map<string, Tensor>, ids: Tensor2D): Tensor1D {
  const [batch, time] = ids.shape;
  const logits = forwardLogits(model, weights, ids).slice([0, 0, 0], [batch, time - 1, model.vocabularySize]);
  const targets = tf.oneHot(ids.slice([0, 1], [batch, time - 1]), model.vocabularySize);
  return tf.logSoftmax(logits).mul(targets).sum().div(-batch * (time - 1));
}
