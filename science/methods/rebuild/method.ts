/** What every strategy of a rebuild is to the rest of the program. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, SubBlock, Weights } from '../../models/index.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { Pattern } from '../parts/pattern.js';
import type { Gathered, WindowSums } from '../parts/window-sums.js';
import type { Identity, Settings, Values } from '../settings.js';

/** Which weights compete with each other: all linears of a sub-block, one linear, one row, or one column. */
export type Granularity = 'block' | 'layer' | 'output' | 'input';

/** Importance of a weight: `|W| * sqrt(mean g^2)`, `|W|`, or `sqrt(mean g^2)`. */
export type Metric = 'weight-gradient' | 'weight' | 'gradient';

/**
 * What a rebuild gives to the weights under the new mask: the dense values to all, or the updated ones to those that stay;
 * or values that are fitted from the latter (science/methods/parts/refit.ts).
 */
export type KeepWeights = (typeof keepWeights)[number];

const keepWeights = ['keep-dense', 'keep-updates', 'refit'] as const;

export const isKeepWeights = (value: unknown): value is KeepWeights => (keepWeights as readonly unknown[]).includes(value);

/** What every stage has, whatever its strategy. */
export interface CommonSettings {
  granularity: Granularity;
  metric: Metric;
  weights: KeepWeights;
}

/** One decoder layer, and what its rebuild starts from. */
export interface RebuildRequest<S extends Settings> {
  layer: DecoderLayer;
  /** The residual stream that comes through the rebuilt layers before, `[batch, time, hidden]`. Taken over: disposed here. */
  hidden: Tensor3D[];
  /** The residual stream of the dense model before the layer, in the same batches, where the method asks for it. Taken over, too. */
  denseHidden?: Tensor3D[];
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** Masks of all linears, and the values of those whose kept weights are not the dense ones. */
  start: { masks: Masks; updates?: Updates };
  pattern: Pattern;
  /** An expert that fewer tokens are routed to keeps what it started with; 0 if absent. */
  minTokens?: number;
  common: CommonSettings;
  settings: Values<S>;
  /** Rounds new values to what the checkpoint will hold. @throws where that leaves no finite number */
  round: (linear: string, values: Float32Array) => Float32Array;
  /** Told what is being done, for a person who watches. */
  onProgress: (detail: string) => void;
}

/**
 * What a rebuild made of one sub-block. Errors are mean squared differences between its output and what it is to put out: the dense
 * output, or with `best` what it is fitted to. Those of `best` are before and after the fit, so after its rounds and before the reconstruction.
 */
export interface SubBlockEntry {
  block: SubBlock['block'];
  /** Which expert of its layer it is, from 0, and how many calibration tokens were routed to it; absent if it is none. */
  expert?: number;
  tokens?: number;
  /** Those tokens were fewer than `minTokens`, so that the sub-block was left as it was. */
  few?: true;
  errorBefore: number;
  errorAfter: number;
  grown: number;
  pruned: number;
  /** What each round tried best and decided; absent if there were no rounds, and for experts. The errors are those of its held-out windows. */
  rounds?: { ratio: number; errorBefore: number; error: number; accepted: boolean }[];
  /** What became of fitting the kept weights; absent without `weights: refit`. The errors are those of held-out windows; of all with too few to hold any out. */
  refit?: { errorBefore: number; error: number; accepted: boolean };
  /** What became of training the whole layer's kept weights, on its last sub-block. The errors are those of held-out windows, if any are. */
  reconstruction?: { errorBefore: number; error: number; accepted: boolean; epochs: number };
  /**
   * Of a mixture: what the rebuild of the attention, or of all experts together, did to the error of the whole layer's output. On the
   * attention, and on the last sub-block. What raised that error was undone.
   */
  layerOutput?: { errorBefore: number; error: number; accepted: boolean };
  /** What was computed, in forwards of the sub-block over all windows; absent if the strategy does not count. */
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

/** One sub-block of a layer, and what its masks are rebuilt from. */
export type PartRequest<S extends Settings> = Pick<RebuildRequest<S>, 'dense' | 'pattern' | 'common' | 'settings'> & {
  subBlock: SubBlock;
  /** Of the whole layer as it stands: sub-blocks before this one are rebuilt. */
  masks: Masks;
  updates: Updates;
};

/** What a strategy has made of a sub-block. */
export interface ChosenPart {
  /** Of its linears, in memory of their own. */
  masks: Masks;
  /** Of its linears, as far as the values are not the dense ones. */
  updates?: Updates;
  /** The error under the old masks is that of all shards. */
  report: Pick<SubBlockEntry, 'errorBefore' | 'grown' | 'pruned'>;
}

/** A strategy in parts, so that several workers can each read a part of the windows. Sub-blocks come one after the other. */
export interface RebuildParts<S extends Settings = Settings, G extends Gathered = Gathered> {
  /** Sums up what the masks follow from. @param request `hidden` is the stream before the sub-block, and stays the caller's. @returns the caller's to dispose */
  gather(this: void, request: PartRequest<S> & Pick<RebuildRequest<S>, 'hidden'>): Promise<G>;
  /** Takes up what {@link Gathered.download} gave, of one shard or added up. */
  restore(this: void, subBlock: SubBlock, sums: WindowSums): G;
  choose(this: void, request: PartRequest<S>, gathered: G): Promise<ChosenPart>;
}

/** Checks the parts where they stand, and keeps their types. */
export function rebuildParts<S extends Settings, G extends Gathered>(parts: RebuildParts<S, G>): RebuildParts<S, G> {
  return parts;
}

export type RebuildRun<S extends Settings = Settings> = (request: RebuildRequest<S>) => Promise<RebuildResult>;

/** A strategy is a folder. This is what its `method.ts` says of it; `run.ts` computes and is loaded only for that. */
export interface RebuildMethod<S extends Settings = Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that only a stage of this strategy reads. */
  settings: S;
  /** Values for settings that the resolved pipeline always has. */
  defaults: Values<S>;
  /** Where some of its work is within rows, so that columns cannot keep budgets (granularity `input`). */
  byRow?: true;
  /** What `weights` may be. */
  weights: readonly KeepWeights[];
  /** What `weights` is if the file leaves it out. @param changed whether kept weights are known to have other values than the dense ones */
  defaultWeights(this: void, changed: boolean): KeepWeights;
  /** Whether it needs the residual stream of the dense model beside the pruned one; never if absent. */
  needsDensePath?(this: void, settings: Values<S>, common: CommonSettings): boolean;
  /** Raised when a change of the code can change its bits. */
  version: number;
  /** The settings that its masks follow from, defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** What one layer takes. */
  cost(this: void, size: ModelSize, windows: Windows, common: CommonSettings, settings: Values<S>): Cost;
  /** Its settings in words, for a report. */
  describe(this: void, settings: Values<S>): string;
  load(this: void): Promise<{ run: RebuildRun<S> }>;
  /** Present where the windows may be divided into shards. */
  sharded?: {
    /** Bytes of the sums of one shard and layer. */
    sumBytes(this: void, size: ModelSize): number;
    /** What gathering of one shard and choosing take for one sub-block, apart from the sums, and the last pass of one shard for one layer. */
    cost(this: void, size: ModelSize, shard: Windows, common: CommonSettings): { gather: Cost; choose: Cost; finish: Cost };
    load(this: void): Promise<{ parts: RebuildParts }>;
  };
}

/** Checks a strategy's description where it stands, and keeps the types of its settings. */
export function rebuildMethod<const S extends Settings>(method: RebuildMethod<S>): RebuildMethod<S> {
  return method;
}
