/** What the rebuild of one sub-block needs and gives. */
import type { Tensor3D } from '../../engine/index.js';
import type { SubBlock, Weights } from '../../models/types.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { Granularity, Pattern } from '../parts/pattern.js';
import type { KeepWeights, Metric } from './method.js';

export interface RebuildSettings {
  granularity: Granularity;
  /** Share of the found swaps that are made, in (0, 1]. */
  ratio: number;
  metric: Metric;
  pattern: Pattern;
  /** Used only if there are updates. Default: `keep-dense`. */
  weights?: KeepWeights;
}

export interface SubBlockRebuild {
  subBlock: SubBlock;
  /** The residual stream before the sub-block, in batches `[batch, time, hidden]`. Disposed batch by batch, or all at once on failure. */
  hidden: readonly Tensor3D[];
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** Masks of at least the sub-block's linears. */
  masks: Masks;
  /** Initial values of the sub-block's linears that differ from the dense ones (SparseGPT). Those of other linears are ignored. */
  updates?: Updates;
  settings: RebuildSettings;
  /** Called after every batch. Passes 1 and 2 are before and after the selection. */
  onProgress?: (progress: { pass: 1 | 2; batch: number; batches: number }) => void;
}

export interface SubBlockReport {
  /** Mean over sequences of the mean squared error of the sparse output against the dense one, under the old mask. */
  errorBefore: number;
  /** The same under the new mask. */
  errorAfter: number;
  grown: number;
  pruned: number;
}

export interface SubBlockResult {
  /** The residual stream after the sub-block under the new mask, in the same batches. */
  hidden: Tensor3D[];
  /** New masks of the sub-block's linears. */
  masks: Masks;
  /** Values of the sub-block's linears that differ from the dense ones; absent if none do. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport;
}
