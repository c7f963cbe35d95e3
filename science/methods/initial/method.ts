/** The interface between a method for the initial mask and the rest of the program. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { Tensor, Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, LinearSpec } from '../../models/index.js';
import type { MaskTarget } from '../parts/budget.js';
import type { InitialGroups } from '../parts/mask-check.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { Gathered, WindowSums } from '../parts/window-sums.js';
import type { Identity, Settings, Values } from '../settings.js';

/** One decoder layer, and the inputs for its masks. */
export interface InitialRequest<S extends Settings> {
  layer: DecoderLayer;
  /** Every tensor of the layer, dense. */
  weights: ReadonlyMap<string, Tensor>;
  /** The residual stream after the previous, pruned layers, `[batch, time, hidden]`; empty unless the method needs it. */
  hidden: Tensor3D[];
  /** Returns the target for a linear's mask. */
  targetOf: (linear: LinearSpec) => MaskTarget;
  settings: Values<S>;
  /** If an expert has fewer tokens, its statistics are not used: its mask is chosen by `|W|`, in the method's groups. 0 if absent. */
  minTokens?: number;
  /** Rounds new values to the checkpoint's data type. @throws if a rounded value is not finite */
  round: (linear: string, values: Float32Array) => Float32Array;
  /** Reads masks made elsewhere, and their values. Only for methods that need a source. */
  readSource: () => Promise<{ masks: ReadonlyMap<string, Uint8Array>; values: ReadonlyMap<string, Float32Array> }>;
  onProgress: (detail: string) => void;
}

/** A note for the report about a linear's statistics. */
export interface StatisticsNote {
  linear: string;
  /** The damping of its Hessian, if it was raised, and the number of inputs that were always zero. */
  damping?: number;
  deadInputs?: number;
  /** Number of tokens routed to its expert, if less than `minTokens`. */
  tokens?: number;
}

export interface InitialResult {
  /** By weight name. The caller disposes what they hold on the device. */
  masks: Masks;
  /** Values of the linears whose kept weights differ from the dense ones. */
  updates?: Updates;
  notes?: StatisticsNote[];
}

/** The part of a request that reads the windows. */
export type GatherRequest<S extends Settings> = Pick<InitialRequest<S>, 'layer' | 'weights' | 'hidden' | 'settings' | 'minTokens'>;

/** The part of a request that chooses the masks after the windows are read. */
export type ChooseRequest<S extends Settings> = Omit<InitialRequest<S>, 'hidden' | 'readSource'>;

/** A method in two parts, so that several workers can each read some of the windows. `run` is both parts in sequence, over all windows. */
export interface InitialParts<S extends Settings = Settings, G extends Gathered = Gathered> {
  /** Computes the sums that determine the masks, together with the weights. The caller keeps `hidden` and disposes the result. */
  gather(this: void, request: GatherRequest<S>): Promise<G>;
  /** Restores what {@link Gathered.download} returned for this layer, for one shard or added up over shards. */
  restore(this: void, layer: DecoderLayer, sums: WindowSums): G;
  choose(this: void, request: ChooseRequest<S>, gathered: G): Promise<InitialResult>;
}

/** Type-checks the parts where they are defined, and keeps their exact types. */
export function initialParts<S extends Settings, G extends Gathered>(parts: InitialParts<S, G>): InitialParts<S, G> {
  return parts;
}

/** Returns a function that runs both parts in sequence, over all windows. */
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

/** A method is a folder. Its `method.ts` describes it in this form. Its `run.ts` computes, and is loaded only for that. */
export interface InitialMethod<S extends Settings = Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that a stage with this method may have in addition to the common ones. */
  settings: S;
  /** What the method needs besides the weights: the hidden states of the calibration windows, or masks made elsewhere. */
  needs: 'weights' | 'hidden-states' | 'source';
  /** Whether the method changes the values of kept weights. */
  updates: boolean;
  /** Which weights share a budget in an unstructured mask; absent if the method does not choose the mask. */
  groups?: InitialGroups;
  /** Increased when a code change can change the bits of the result. */
  version: number;
  /** Returns the settings that determine the masks, with defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** Returns the cost of one layer. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  load(this: void): Promise<{ run: InitialRun<S> }>;
  /** Present if the method supports shards of the windows. */
  sharded?: {
    /** Returns the bytes of one shard's sums for one layer. */
    sumBytes(this: void, size: ModelSize): number;
    /** Returns the costs of one layer: gathering one shard, with the forward of the previous layer, and choosing. The sums are not included. */
    cost(this: void, size: ModelSize, shard: Windows): { gather: Cost; choose: Cost };
    load(this: void): Promise<{ parts: InitialParts }>;
  };
}

/** Type-checks a method where it is defined, and keeps the exact types of its settings. */
export function initialMethod<const S extends Settings>(method: InitialMethod<S>): InitialMethod<S> {
  return method;
}
