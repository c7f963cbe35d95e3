/** The interface between a rebuild strategy and the rest of the program. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, SubBlock, Weights } from '../../models/index.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { Granularity, Pattern } from '../parts/pattern.js';
import type { Gathered, WindowSums } from '../parts/window-sums.js';
import type { Identity, Settings, Values } from '../settings.js';

/** Importance of a weight: `|W| * sqrt(mean g^2)`, `|W|`, or `sqrt(mean g^2)`. */
export type Metric = 'weight-gradient' | 'weight' | 'gradient';

/** Whether the metric uses gradients. */
export function needsGradients(metric: Metric): boolean {
  return metric !== 'weight';
}

/**
 * The values of the weights under the new mask: dense for all, updated for those that stay, or fitted starting from the latter
 * (science/methods/parts/refit.ts).
 */
export type KeepWeights = (typeof keepWeights)[number];

const keepWeights = ['keep-dense', 'keep-updates', 'refit'] as const;

export const isKeepWeights = (value: unknown): value is KeepWeights => (keepWeights as readonly unknown[]).includes(value);

/** The settings of every strategy. */
export interface CommonSettings {
  granularity: Granularity;
  metric: Metric;
  weights: KeepWeights;
}

/** One decoder layer, and the inputs of its rebuild. */
export interface RebuildRequest<S extends Settings> {
  layer: DecoderLayer;
  /** The residual stream after the previous, rebuilt layers, `[batch, time, hidden]`. The rebuild takes it over and disposes it. */
  hidden: Tensor3D[];
  /** The residual stream of the dense model before the layer, in the same batches, if the method asks for it. Also taken over. */
  denseHidden?: Tensor3D[];
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** Whether this is the last use of `dense`. A strategy may then free weights that it does not read any more. */
  lastUse?: boolean;
  /** Masks of all linears, and the values of those whose kept weights differ from the dense ones. */
  start: { masks: Masks; updates?: Updates };
  pattern: Pattern;
  /** An expert with fewer routed tokens keeps its masks and values; 0 if absent. */
  minTokens?: number;
  common: CommonSettings;
  settings: Values<S>;
  /** Rounds new values to the checkpoint's data type. @throws if a rounded value is not finite */
  round: (linear: string, values: Float32Array) => Float32Array;
  /** Called with a description of the current work, for a person who watches. */
  onProgress: (detail: string) => void;
}

/**
 * The outcome of a rebuild for one sub-block. Errors are mean squared differences between its output and the target: the dense output, or
 * with `best` the output that it is fitted to. With `best` they are measured before and after the fit, so after its rounds and before the
 * reconstruction.
 */
export interface SubBlockEntry {
  block: SubBlock['block'];
  /** Index of the expert in its layer, from 0, and the number of calibration tokens routed to it; absent if it is not an expert. */
  expert?: number;
  tokens?: number;
  /** Set if the expert had fewer than `minTokens` tokens, so the sub-block was left unchanged. */
  few?: true;
  errorBefore: number;
  errorAfter: number;
  grown: number;
  pruned: number;
  /** The best attempt and the decision of each round; absent without rounds, and for experts. Errors are on the round's held-out windows. */
  rounds?: { ratio: number; errorBefore: number; error: number; accepted: boolean }[];
  /** The outcome of fitting the kept weights; absent without `weights: refit`. Errors are on held-out windows, or on all if none are held out. */
  refit?: { errorBefore: number; error: number; accepted: boolean };
  /** The outcome of training the kept weights of the whole layer. Only on the last sub-block. Errors are on held-out windows, if there are any. */
  reconstruction?: { errorBefore: number; error: number; accepted: boolean; epochs: number };
  /**
   * For a mixture: the effect of rebuilding the attention, or all experts together, on the error of the whole layer's output. In the entries
   * of the attention and of the last sub-block. A rebuild that raised the error was undone.
   */
  layerOutput?: { errorBefore: number; error: number; accepted: boolean };
  /**
   * The amount of computation, in forwards of the sub-block over all windows; absent if the strategy does not count it. From shards, it is
   * that of the same decisions in one process.
   */
  forwards?: number;
}

export interface RebuildResult {
  /** The residual stream after the layer under the new masks, in the same batches. */
  hidden: Tensor3D[];
  /** The residual stream of the dense model after the layer, if there was one before it. */
  denseHidden?: Tensor3D[];
  masks: Masks;
  updates: Updates;
  /** In the order of the sub-blocks. */
  entries: SubBlockEntry[];
}

/** One sub-block of a layer, and the inputs of its rebuild from shards. */
export type PartRequest<S extends Settings> = Pick<RebuildRequest<S>, 'dense' | 'pattern' | 'common' | 'settings' | 'round'> & {
  subBlock: SubBlock;
  /** Masks of the whole layer before the rebuild of this sub-block. Sub-blocks before it are already rebuilt. */
  masks: Masks;
  updates: Updates;
};

/** Which windows of the calibration a shard has: window number `first`, and then every `step`-th one. */
export interface ShardWindows {
  /** From 0. */
  first: number;
  step: number;
  /** Number of windows of all shards together. */
  total: number;
}

/** The windows of a shard, prepared for the steps of a sub-block. They stay in memory between these steps. */
export interface OpenWindows {
  /** Keeps its tensors in memory beyond the task. */
  outlive(): void;
  dispose(): void;
}

/** What a rebuild of a sub-block knows between two steps. It is stored, so that the next step can be anywhere. */
export interface StepState {
  /** Decisions so far, and what the next step measures. Plain data that only the strategy reads. */
  notes: object;
  /** Masks of the sub-block's linears that the next step runs windows under. */
  masks: readonly Masks[];
  /** Values of its linears that differ from the dense ones. */
  values: Updates;
}

/** The rebuilt masks of a sub-block. */
export interface ChosenPart {
  /** Masks of its linears, in their own memory. */
  masks: Masks;
  /** Values of its linears that differ from the dense ones. */
  updates?: Updates;
  /** The error under the old masks is over all shards. */
  report: Omit<SubBlockEntry, 'block' | 'errorAfter'>;
}

/**
 * A strategy in parts, so that several workers can each read some of the windows. Sub-blocks are rebuilt one after the other, each in one or
 * more steps. In a step, every shard gathers sums over its windows. One worker adds them up and chooses: the new masks, or a state, from
 * which the next step begins.
 */
export interface RebuildParts<S extends Settings = Settings, W extends OpenWindows = OpenWindows, G extends Gathered = Gathered> {
  /** Prepares the windows of a shard. Repeated if they are not in memory, with the same bits. Takes over `hidden`, the stream before the sub-block. */
  open(this: void, request: PartRequest<S> & Pick<RebuildRequest<S>, 'hidden'> & { own: ShardWindows }): Promise<W>;
  /** Computes the sums of a step. The caller disposes them. @param state of the step before; absent in the first step */
  gather(this: void, request: PartRequest<S>, windows: W, state: StepState | undefined): Promise<G>;
  /** Restores what {@link Gathered.download} returned, for one shard or added up over shards. */
  restore(this: void, subBlock: SubBlock, sums: WindowSums): G;
  /**
   * Runs the windows under the rebuilt masks of the sub-block, which the request has. Disposes the windows, even on failure.
   * @returns the residual stream after the sub-block, and the error as a mean over the shard's sequences
   */
  finish(this: void, request: PartRequest<S>, windows: W): Promise<{ hidden: Tensor3D[]; error: number }>;
  /** Ends a step. @param state as in `gather` */
  choose(this: void, request: PartRequest<S>, gathered: G, state: StepState | undefined): Promise<ChosenPart | { next: StepState }>;
}

/** The steps of a sub-block, and what they hold and store, at most. Bytes are means over sub-blocks. */
export interface StepSizes {
  steps: number;
  /** Copies of a shard's residual stream that stay in memory between steps. */
  streams: number;
  /** Bytes of one shard's sums: in all steps together, and in the step with the most. */
  sumBytes: number;
  largestSumBytes: number;
  /** Bytes of all states together, and of the largest. */
  stateBytes: number;
  largestStateBytes: number;
}

/** Type-checks the parts where they are defined, and keeps their exact types. */
export function rebuildParts<S extends Settings, W extends OpenWindows, G extends Gathered>(parts: RebuildParts<S, W, G>): RebuildParts<S, W, G> {
  return parts;
}

export type RebuildRun<S extends Settings = Settings> = (request: RebuildRequest<S>) => Promise<RebuildResult>;

/** A strategy is a folder. Its `method.ts` describes it in this form. Its `run.ts` computes, and is loaded only for that. */
export interface RebuildMethod<S extends Settings = Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that only a stage of this strategy reads. */
  settings: S;
  /** Values for settings that the resolved pipeline always has. */
  defaults: Values<S>;
  /** Set if some of its work is within rows, so columns cannot keep budgets (granularity `input`). */
  byRow?: true;
  /** The supported values of `weights`. */
  weights: readonly KeepWeights[];
  /** Returns the default of `weights`. @param changed whether kept weights are known to differ from the dense ones */
  defaultWeights(this: void, changed: boolean): KeepWeights;
  /** Whether the strategy also needs the residual stream of the dense model; never if absent. */
  needsDensePath?(this: void, settings: Values<S>, common: CommonSettings): boolean;
  /** Increased when a code change can change the bits of the result. */
  version: number;
  /** Returns the settings that determine the masks, with defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** Returns the cost of one layer. */
  cost(this: void, size: ModelSize, windows: Windows, common: CommonSettings, settings: Values<S>): Cost;
  /** Describes the settings in words, for a report. */
  describe(this: void, settings: Values<S>): string;
  load(this: void): Promise<{ run: RebuildRun<S> }>;
  /** Present if the strategy supports shards of the windows. */
  sharded?: {
    steps(this: void, size: ModelSize, common: CommonSettings, settings: Values<S>): StepSizes;
    /**
     * Returns the costs of one shard's `gather` and of `choose` for the mean step of a sub-block, and of the last `finish` of a layer. Without
     * reading the layer's weights, and without the sums.
     */
    cost(this: void, size: ModelSize, shard: Windows, common: CommonSettings, settings: Values<S>): { gather: Cost; choose: Cost; finish: Cost };
    load(this: void): Promise<{ parts: RebuildParts }>;
  };
}

/** Type-checks a strategy where it is defined, and keeps the exact types of its settings. */
export function rebuildMethod<const S extends Settings>(method: RebuildMethod<S>): RebuildMethod<S> {
  return method;
}
