import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { tokensIn } from '../../parts/routed-tokens.js';
import { mean } from '../../parts/sequence-errors.js';
import type { State } from '../../parts/sub-block-state.js';
import { passUnder } from '../pass-under.js';

export interface WindowsRequest {
  subBlock: SubBlock;
  dense: Weights;
  /** The residual stream before the sub-block on the pruned path. Not disposed. */
  hidden: readonly Tensor3D[];
  /** The same on the dense path. */
  denseHidden?: readonly Tensor3D[];
  /** Share of the dense path in the target. */
  denseShare: number;
  /** Sequences at the end that are held out of fits. */
  heldOut: number;
}

/**
 * The calibration windows of a sub-block, and its target for each. The target mixes two outputs: that of the dense weights on the pruned
 * path, and the one that would bring the residual stream back to the dense path. Targets are computed once and kept.
 */
export class SubBlockWindows {
  /** @param tokens the number of tokens that a fit learns from */
  private constructor(private readonly request: WindowsRequest, private readonly targets: Tensor3D[], readonly tokens: number) {}

  /** @returns the windows, and the dense path's residual stream after the sub-block if there is one before it */
  static async open(request: WindowsRequest): Promise<{ windows: SubBlockWindows; denseAfter?: Tensor3D[] }> {
    const { subBlock, dense, denseHidden, denseShare } = request;
    const ofDense = (h: Tensor3D): Tensor3D => runSubBlock(subBlock, subBlock.enter(h, dense), dense);
    const targets: Tensor3D[] = [];
    const denseAfter: Tensor3D[] = [];
    let tokens = 0;
    for (const { index, h, fitCount } of batchesOf(request)) {
      tf.tidy(() => {
        const x = subBlock.enter(h, dense);
        if (fitCount > 0) tokens += tokensIn(subBlock, first(fitCount, x));
        const y = runSubBlock(subBlock, x, dense);
        const d = denseHidden?.[index];
        if (d === undefined) {
          targets.push(keep(y));
          return;
        }
        const own = ofDense(d);
        denseAfter.push(keep(subBlock.leave(d, own, dense)));
        // On the dense path, the router may give the expert other tokens than those that it is fitted on.
        const beside = subBlock.routedAs?.(d, h) ?? d;
        const yd = beside === d ? own : ofDense(beside);
        // The residual connection adds h to the output, even if a norm follows it (OPT-350m).
        const back = subBlock.compensate?.(yd, beside, h) ?? yd.add<Tensor3D>(d).sub<Tensor3D>(h);
        targets.push(keep(y.mul(1 - denseShare).add<Tensor3D>(back.mul(denseShare))));
      });
      await macrotask();
    }
    const windows = new SubBlockWindows(request, targets, tokens);
    return denseHidden === undefined ? { windows } : { windows, denseAfter };
  }

  /** Visits the sub-block's inputs and targets `[batch, time, hidden]` of all windows that are not held out. */
  async each(visit: (x: Tensor3D, target: Tensor3D) => void): Promise<void> {
    const { subBlock, dense } = this.request;
    for (const { index, h, fitCount } of batchesOf(this.request)) {
      if (fitCount === 0) return;
      // The rows of an expert depend on the whole batch, so `enter` gets the whole batch.
      tf.tidy(() => { visit(first(fitCount, subBlock.enter(h, dense)), first(fitCount, this.targets[index])); });
      await macrotask();
    }
  }

  /**
   * Runs the sub-block with masks and values.
   * @returns the residual stream after it, bit for bit that of any other forward of these batches, and the mean squared errors of all
   * windows and of the held-out windows
   */
  async run(state: State): Promise<{ after: Tensor3D[]; error: number; heldOut: number }> {
    const { heldOut } = this.request;
    const { hidden, errors, error } = await passUnder({ ...this.request, target: (batch) => this.targets[batch] }, state);
    return { after: hidden, error, heldOut: heldOut === 0 ? error : mean(errors.slice(-heldOut)) };
  }

  dispose(): void {
    tf.dispose(this.targets);
  }
}

/** Returns each batch with the number of its first windows that are used for the fit. */
function batchesOf({ hidden, heldOut }: WindowsRequest): { index: number; h: Tensor3D; fitCount: number }[] {
  let left = sequencesIn(hidden) - heldOut;
  return hidden.map((h, index) => {
    const fitCount = Math.min(left, h.shape[0]);
    left -= fitCount;
    return { index, h, fitCount };
  });
}

/** The first windows of a batch. */
function first(count: number, whole: Tensor3D): Tensor3D {
  return count === whole.shape[0] ? whole : whole.slice([0, 0, 0], [count, -1, -1]);
}

/** Returns the total number of sequences in batches `[batch, time, hidden]`. */
export function sequencesIn(batches: readonly Tensor3D[]): number {
  return batches.reduce((sum, { shape: [batch] }) => sum + batch, 0);
}
