import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, outlive, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { tokensIn } from '../../parts/routed-tokens.js';
import { withMasked } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import { denseWithGradients } from '../../parts/output-gradients.js';
import { errorsOfSequences, type ErrorSum, mean, meanError, meanSquare, scaleToAllTokens } from '../../parts/sequence-errors.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';
import type { ShardWindows } from '../method.js';
import type { FoldSizes } from './round-rules.js';

/** Neighbouring sequences of one batch that are in one fold. */
interface Part {
  batch: number;
  /** Number of sequences of the batch before them. */
  from: number;
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

/** The windows of a sub-block, as far as folds need it. */
interface Windows {
  subBlock: SubBlock;
  dense: Weights;
  /** The residual stream before the sub-block, in batches `[batch, time, hidden]`. Not disposed. */
  hidden: readonly Tensor3D[];
  onBatch?: (batch: number) => void;
}

/**
 * The calibration windows of one sub-block, cut into folds, independently of the batches. Inputs and dense outputs are computed once and
 * kept for all rounds.
 *
 * A fold is a run of neighbouring windows of the whole calibration, even if these are in several shards. So a rebuild from shards decides by
 * the same windows. A shard with few windows may have no window of a fold.
 */
export class CalibrationFolds implements FoldSizes {
  private readonly folds: Part[][];
  private readonly sequences: number;
  private readonly own: ShardWindows;

  private constructor(private readonly subBlock: SubBlock, batches: readonly Tensor3D[], count: number, own?: ShardWindows) {
    this.sequences = batches.reduce((sum, batch) => sum + batch.shape[0], 0);
    this.own = own ?? { first: 0, step: 1, total: this.sequences };
    this.folds = Array.from({ length: Math.max(1, Math.min(count, this.own.total)) }, () => []);
  }

  /** Runs one dense and one sparse forward over all windows. The tensors are kept until `dispose`. */
  static async open({ masks, updates, ...windows }: Windows & { masks: Masks; updates?: Updates }, count: number): Promise<CalibrationFolds> {
    return withMasked(windows.dense, masks, (sparse) => CalibrationFolds.filled(windows, count, undefined, sparse), updates);
  }

  /** The same for a shard of the windows, without the sparse forward, so without {@link firstError}. */
  static async openShard(windows: Windows, count: number, own: ShardWindows): Promise<CalibrationFolds> {
    return CalibrationFolds.filled(windows, count, own);
  }

  private static async filled({ subBlock, dense, hidden, onBatch }: Windows, count: number, own?: ShardWindows, sparse?: Weights): Promise<CalibrationFolds> {
    const folds = new CalibrationFolds(subBlock, hidden, count, own);
    try {
      let first = 0;
      for (const [index, h] of hidden.entries()) {
        folds.add(index, first, h, dense, sparse);
        first += h.shape[0];
        onBatch?.(index);
        await macrotask();
      }
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

  /** Returns the mean squared error of the masked output against the dense output, averaged over the sequences of a fold. */
  async error(fold: number, sparse: Sparse): Promise<number> {
    return meanError((await this.errorSums([fold], sparse))[0]);
  }

  /** Returns the sum of the errors of the sequences of each of these folds, and the number of sequences. */
  async errorSums(folds: readonly number[], { weights, masks }: Sparse): Promise<ErrorSum[]> {
    return withMasked(weights, masks, async (sparse) => {
      const sums: ErrorSum[] = [];
      for (const fold of folds) {
        const errors: number[] = [];
        for (const { x, y, time } of this.folds[fold]) {
          const error = tf.tidy(() => scaleToAllTokens(meanSquare(runSubBlock(this.subBlock, x as Tensor3D, sparse).sub<Tensor3D>(y)), y.shape[1], time));
          errors.push(...(error.dataSync<'float32'>()));
          error.dispose();
          await macrotask();
        }
        sums.push([errors.reduce((sum, one) => sum + one, 0), errors.length]);
      }
      return sums;
    });
  }

  /** Computes the squared gradients over these folds. The caller disposes them. @param dense the dense weights if the gradients are taken there; otherwise at the sparse weights */
  async gradients(folds: readonly number[], { weights, masks }: Sparse, dense?: Weights): Promise<SquaredGradients> {
    const gradients = new SquaredGradients();
    try {
      await withMasked(weights, masks, async (sparse) => {
        for (const { x, y } of this.partsOf(folds)) {
          tf.tidy(() => { this.addGradients(gradients, x as Tensor3D, y, sparse, dense); });
          await macrotask();
        }
      });
      return gradients;
    } catch (fault) {
      gradients.dispose();
      throw fault;
    }
  }

  /** Keeps the tensors beyond the current task. */
  outlive(): void {
    for (const { x, y } of this.folds.flat()) for (const tensor of x === undefined ? [y] : [x, y]) outlive(tensor);
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
    const parts = this.folds.flat().filter((part) => part.batch === batch);
    return tf.concat(parts.map(({ y }) => y), 0);
  }

  dispose(): void {
    this.disposeInputs();
    for (const { y } of this.folds.flat()) y.dispose();
    this.folds.forEach((fold) => (fold.length = 0));
  }

  private partsOf(folds: readonly number[]): Part[] {
    return folds.flatMap((fold) => this.folds[fold]);
  }

  /** Returns the fold of one of these windows. @param window from 0 */
  private foldOf(window: number): number {
    const { count, own: { first, step, total } } = this;
    return Math.floor(((first + window * step) * count) / total);
  }

  private add(batch: number, first: number, h: Tensor3D, dense: Weights, sparse: Weights | undefined): void {
    const size = h.shape[0];
    tf.tidy(() => {
      const x = this.subBlock.enter(h, dense);
      const y = runSubBlock(this.subBlock, x, dense);
      const errors = sparse && errorsOfSequences(runSubBlock(this.subBlock, x, sparse).sub<Tensor3D>(y), h).dataSync<'float32'>();
      for (let from = 0; from < size; ) {
        const fold = this.foldOf(first + from);
        let end = from + 1;
        while (end < size && this.foldOf(first + end) === fold) end++;
        const cut = (whole: Tensor3D): Tensor3D => keep(whole.slice([from, 0, 0], [end - from, -1, -1]));
        const own = cut(x);
        this.folds[fold].push({ batch, from, x: own, y: cut(y), time: h.shape[1], tokens: tokensIn(this.subBlock, own), errors: [...(errors?.subarray(from, end) ?? [])] });
        from = end;
      }
    });
  }

  private addGradients(sum: SquaredGradients, x: Tensor3D, y: Tensor3D, sparse: Weights, dense: Weights | undefined): void {
    // The error is symmetric in the two outputs, so with their roles swapped the same function differentiates at the sparse weights.
    const { gradients } = dense === undefined
      ? denseWithGradients(this.subBlock, x, y, sparse)
      : denseWithGradients(this.subBlock, x, runSubBlock(this.subBlock, x, sparse), dense);
    for (const gradient of gradients) sum.add(gradient);
  }
}
