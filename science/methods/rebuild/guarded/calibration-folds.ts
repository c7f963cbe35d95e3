import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { tokensIn } from '../../parts/routed-tokens.js';
import { withMasked } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import { denseWithGradients, errorsOfSequences, scaleToAllTokens, meanSquare } from '../published/output-gradients.js';
import { SquaredGradients } from '../published/squared-gradients.js';

/** The sequences of one batch that are in one fold. */
interface Part {
  batch: number;
  /** Input of the sub-block: the result of `enter`. */
  x?: Tensor3D;
  /** Dense output of the sub-block. */
  y: Tensor3D;
  /** Tokens of a sequence, even if the sub-block does not read all of them. */
  time: number;
  /** Number of tokens that the sub-block reads. */
  tokens: number;
  errors: number[];
}

/** Weights and the masks that make them sparse. */
export interface Sparse {
  weights: Weights;
  masks: Masks;
}

/** Where the gradient of the output error is taken: at the dense weights, as published, or at the sparse weights of the current model. */
export type GradientAt = 'dense' | 'sparse';

/**
 * The calibration windows of one sub-block, cut into folds of neighbouring sequences, independently of the batches. Inputs and
 * dense outputs are computed once and kept for all rounds.
 */
export class CalibrationFolds {
  private readonly folds: Part[][];
  private readonly sequences: number;

  private constructor(private readonly subBlock: SubBlock, private readonly dense: Weights, batches: readonly Tensor3D[], count: number) {
    this.sequences = batches.reduce((sum, batch) => sum + batch.shape[0], 0);
    this.folds = Array.from({ length: Math.max(1, Math.min(count, this.sequences)) }, () => []);
  }

  /** Runs one dense and one sparse forward over all windows. The tensors are kept until `dispose`. */
  static async open(
    request: { subBlock: SubBlock; dense: Weights; hidden: readonly Tensor3D[]; masks: Masks; updates?: Updates; onBatch: (batch: number) => void },
    count: number,
  ): Promise<CalibrationFolds> {
    const { subBlock, dense, hidden, masks, updates } = request;
    const folds = new CalibrationFolds(subBlock, dense, hidden, count);
    try {
      await withMasked(dense, masks, async (sparse) => {
        let first = 0;
        for (const [index, h] of hidden.entries()) {
          folds.add(index, first, h, sparse);
          first += h.shape[0];
          request.onBatch(index);
          await macrotask();
        }
      }, updates);
      return folds;
    } catch (fault) {
      folds.dispose();
      throw fault;
    }
  }

  get count(): number {
    return this.folds.length;
  }

  /** Returns the share of all windows that are in these folds. */
  share(folds: readonly number[]): number {
    return this.partsOf(folds).reduce((sum, { y }) => sum + y.shape[0], 0) / this.sequences;
  }

  /** Returns how many tokens of these folds the sub-block reads. */
  tokens(folds: readonly number[]): number {
    return this.partsOf(folds).reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** Visits inputs and dense outputs `[batch, time, hidden]` of the folds' sequences, each visit in its own `tf.tidy`. */
  async each(folds: readonly number[], visit: (x: Tensor3D, y: Tensor3D) => void): Promise<void> {
    for (const { x, y } of this.partsOf(folds)) {
      tf.tidy(() => { visit(x as Tensor3D, y); });
      await macrotask();
    }
  }

  /** Returns the mean error of the sequences, with the masks and updates that the folds were opened with. */
  firstError(folds: readonly number[] = [...this.folds.keys()]): number {
    return mean(this.partsOf(folds).flatMap(({ errors }) => errors));
  }

  /** Returns the mean squared error of the masked output against the dense output, averaged over the folds' sequences. */
  async error(folds: readonly number[], { weights, masks }: Sparse): Promise<number> {
    const errors: number[] = [];
    await withMasked(weights, masks, async (sparse) => {
      for (const { x, y, time } of this.partsOf(folds)) {
        const error = tf.tidy(() => scaleToAllTokens(meanSquare(runSubBlock(this.subBlock, x as Tensor3D, sparse).sub<Tensor3D>(y)), y.shape[1], time));
        errors.push(...(error.dataSync<'float32'>()));
        error.dispose();
        await macrotask();
      }
    });
    return mean(errors);
  }

  /** Computes the squared gradients over these folds. The caller disposes them. */
  async gradients(folds: readonly number[], { weights, masks }: Sparse, at: GradientAt): Promise<SquaredGradients> {
    const gradients = new SquaredGradients();
    try {
      await withMasked(weights, masks, async (sparse) => {
        for (const { x, y } of this.partsOf(folds)) {
          tf.tidy(() => this.addGradients(gradients, x as Tensor3D, y, sparse, at));
          await macrotask();
        }
      });
      return gradients;
    } catch (fault) {
      gradients.dispose();
      throw fault;
    }
  }

  /** Frees the inputs. The last pass recomputes them batch by batch. */
  disposeInputs(): void {
    for (const part of this.folds.flat()) {
      part.x?.dispose();
      delete part.x;
    }
  }

  /** Returns the dense output of a whole batch. The caller disposes it. */
  denseOutput(batch: number): Tensor3D {
    return tf.concat(this.folds.flat().filter((part) => part.batch === batch).map(({ y }) => y), 0);
  }

  dispose(): void {
    this.disposeInputs();
    for (const { y } of this.folds.flat()) y.dispose();
    this.folds.forEach((fold) => (fold.length = 0));
  }

  private partsOf(folds: readonly number[]): Part[] {
    return folds.flatMap((fold) => this.folds[fold]);
  }

  private add(batch: number, first: number, h: Tensor3D, sparse: Weights): void {
    const size = h.shape[0];
    tf.tidy(() => {
      const x = this.subBlock.enter(h, this.dense);
      const y = runSubBlock(this.subBlock, x, this.dense);
      const errors = errorsOfSequences(runSubBlock(this.subBlock, x, sparse).sub<Tensor3D>(y), h).dataSync<'float32'>();
      for (let from = 0; from < size; ) {
        const fold = Math.floor(((first + from) * this.count) / this.sequences);
        const end = Math.min(size, Math.ceil(((fold + 1) * this.sequences) / this.count) - first);
        const cut = (whole: Tensor3D): Tensor3D => keep(whole.slice([from, 0, 0], [end - from, -1, -1]));
        const own = cut(x);
        this.folds[fold].push({ batch, x: own, y: cut(y), time: h.shape[1], tokens: tokensIn(this.subBlock, own), errors: [...errors.subarray(from, end)] });
        from = end;
      }
    });
  }

  private addGradients(sum: SquaredGradients, x: Tensor3D, y: Tensor3D, sparse: Weights, at: GradientAt): void {
    // The error is symmetric in the two outputs, so with their roles swapped the same function differentiates at the sparse weights.
    const { gradients } = at === 'sparse'
      ? denseWithGradients(this.subBlock, x, y, sparse)
      : denseWithGradients(this.subBlock, x, runSubBlock(this.subBlock, x, sparse), this.dense);
    for (const gradient of gradients) sum.add(gradient);
  }
}

/** Returns the mean, summed in order. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
