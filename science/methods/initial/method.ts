/** What every method for the first mask is to the rest of the program. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { Tensor, Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, LinearSpec } from '../../models/index.js';
import type { MaskTarget } from '../parts/budget.js';
import type { InitialGroups } from '../parts/mask-check.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { Gathered, WindowSums } from '../parts/window-sums.js';
import type { Identity, Settings, Values } from '../settings.js';

/** One decoder layer, and what its masks are made from. */
export interface InitialRequest<S extends Settings> {
  layer: DecoderLayer;
  /** Every tensor of the layer, dense. */
  weights: ReadonlyMap<string, Tensor>;
  /** The residual stream that comes through the pruned layers before, `[batch, time, hidden]`; empty unless the method needs it. */
  hidden: Tensor3D[];
  /** What a linear's mask must reach. */
  targetOf: (linear: LinearSpec) => MaskTarget;
  settings: Values<S>;
  /** With fewer tokens the statistics of an expert are not used: its mask follows from `|W|`, in the groups of the method. 0 if absent. */
  minTokens?: number;
  /** Rounds new values to what the checkpoint will hold. @throws where that leaves no finite number */
  round: (linear: string, values: Float32Array) => Float32Array;
  /** The masks made elsewhere, and the values beside them; only where the method needs a source. */
  readSource: () => Promise<{ masks: ReadonlyMap<string, Uint8Array>; values: ReadonlyMap<string, Float32Array> }>;
  onProgress: (detail: string) => void;
}

/** What is worth telling of a linear's statistics. */
export interface StatisticsNote {
  linear: string;
  /** The damping of its Hessian, if that was raised, and inputs that were always zero. */
  damping?: number;
  deadInputs?: number;
  /** Tokens that were routed to its expert, if those are fewer than `minTokens`. */
  tokens?: number;
}

export interface InitialResult {
  /** By weight name. What they hold on the device is the caller's to dispose. */
  masks: Masks;
  /** Values of the linears whose kept weights are not the dense ones. */
  updates?: Updates;
  notes?: StatisticsNote[];
}

/** What windows are read for. */
export type GatherRequest<S extends Settings> = Pick<InitialRequest<S>, 'layer' | 'weights' | 'hidden' | 'settings' | 'minTokens'>;

/** What masks are chosen by, once the windows are read. */
export type ChooseRequest<S extends Settings> = Omit<InitialRequest<S>, 'hidden' | 'readSource'>;

/** A method in two parts, so that several workers can each read a part of the windows. Its `run` is one after the other, over all windows. */
export interface InitialParts<S extends Settings = Settings, G extends Gathered = Gathered> {
  /** Sums up what the masks follow from besides the weights. `hidden` stays the caller's, the result is the caller's to dispose. */
  gather(this: void, request: GatherRequest<S>): Promise<G>;
  /** Takes up what {@link Gathered.download} gave of this layer, of one shard or added up. */
  restore(this: void, layer: DecoderLayer, sums: WindowSums): G;
  choose(this: void, request: ChooseRequest<S>, gathered: G): Promise<InitialResult>;
}

/** Checks the parts where they stand, and keeps their types. */
export function initialParts<S extends Settings, G extends Gathered>(parts: InitialParts<S, G>): InitialParts<S, G> {
  return parts;
}

/** The parts one after the other, over all windows at once. */
export function runOfParts<S extends Settings, G extends Gathered>({ gather, choose }: InitialParts<S, G>): InitialRun<S> {
  return async (request) => {
    const gathered = await gather(request);
    try {
      return await choose(request, gathered);
    } finally {
      gathered.dispose();
    }
  };
}

export type InitialRun<S extends Settings = Settings> = (request: InitialRequest<S>) => Promise<InitialResult>;

/** A method is a folder. This is what its `method.ts` says of it; `run.ts` computes and is loaded only for that. */
export interface InitialMethod<S extends Settings = Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that a stage of this method may have beside those of all methods. */
  settings: S;
  /** What it works from besides the weights: the calibration windows on their way through the model, or masks made elsewhere. */
  needs: 'weights' | 'hidden-states' | 'source';
  /** Whether kept weights get other values than the dense ones. */
  updates: boolean;
  /** What shares a budget in an unstructured mask; absent if the method does not choose. */
  groups?: InitialGroups;
  /** Raised when a change of the code can change its bits. */
  version: number;
  /** The settings that its masks follow from, defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** What one layer takes. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  load(this: void): Promise<{ run: InitialRun<S> }>;
  /** Present where the windows may be divided into shards. */
  sharded?: {
    /** Bytes of the sums of one shard and layer. */
    sumBytes(this: void, size: ModelSize): number;
    /** Bytes of the largest of the sums. It is one array, and so has a limit (app/planning/sum-sizes.ts). */
    largestSumBytes(this: void, size: ModelSize): number;
    /** What one layer takes: gathering of one shard with the forward of the layer before, and choosing, apart from the sums. */
    cost(this: void, size: ModelSize, shard: Windows): { gather: Cost; choose: Cost };
    load(this: void): Promise<{ parts: InitialParts }>;
  };
}

/** Checks a method's description where it stands, and keeps the types of its settings. */
export function initialMethod<const S extends Settings>(method: InitialMethod<S>): InitialMethod<S> {
  return method;
}
