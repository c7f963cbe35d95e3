/** What every method of an allocation is to the rest of the program. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { LinearKind } from '../../models/index.js';
import type { Identity, Settings, Values } from '../settings.js';
import type { layerSensitivity, lossGradient } from './sensitivity/run.js';

/** A linear among all that are pruned. */
export interface LinearScore {
  name: string;
  /** Of weights. */
  size: number;
  /** Index of its decoder layer. */
  layer: number;
  /** What it does there; absent if that is not known. */
  kind?: LinearKind;
  /** The larger, the more of its weights are kept. Read only by a method that scores. */
  score: number;
}

/** A linear of the layer that is being scored. */
export interface ScoredLinear {
  /** Row-major `[out, in]`. */
  weight: Float32Array;
  /** `||x_j||_2`, `[in]`; in the same unit for all linears of the layer. */
  inputNorms: Float32Array;
}

/** How far the sparsity of each linear is to lie from that of the whole model: `reach * shift`. */
export interface Deviations {
  /** Narrowed where a linear would leave [0, 1]. */
  reach: number;
  /** One number in [-1, 1] a linear; their mean, weighted by size, is 0. */
  shifts: number[];
}

interface Described<S extends Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that an allocation by this method may have. */
  settings: S;
  /** `spread` where the file leaves it out. */
  defaultSpread: number;
  /** Raised when a change of the code can change the bits of its scores, or its deviations. */
  version: number;
  /** The settings that its budgets follow from, defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** How scores, or places, become sparsities. */
  deviations(this: void, linears: readonly LinearScore[], settings: Values<S>): Deviations;
}

/** Knows from the model's shape alone where weights are kept. Nothing is run for it. */
export interface UnscoredMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'nothing';
}

/** Scores a dense layer by its weights and inputs: one forward, from the first layer to the last. */
export interface InputMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'inputs';
  /** What one layer takes. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  /** `score` gives one number for each linear of a layer. */
  load(this: void): Promise<{ score: (linears: readonly ScoredLinear[]) => number[] }>;
}

/** Scores a dense layer by the gradient of the loss: a forward that keeps the states of all layers, then backward from the last layer to the first. */
export interface GradientMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'gradients';
  /** What one layer of the backward pass takes. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  load(this: void): Promise<{ lossGradient: typeof lossGradient; layerSensitivity: typeof layerSensitivity }>;
}

/** A method is a folder. This is what its `method.ts` says of it; what computes is loaded only for that. */
export type AllocationMethod<S extends Settings = Settings> = UnscoredMethod<S> | InputMethod<S> | GradientMethod<S>;

/** What has to be run before an allocation by a method is known. */
export type AllocationNeeds = AllocationMethod['needs'];

/** Checks a method's description where it stands, and keeps the types of its settings. */
export function allocationMethod<const S extends Settings>(method: AllocationMethod<S>): AllocationMethod<S> {
  return method;
}

/** The setting that all methods have; each says its own default. */
export const spreadSetting = {
  description: 'How much the sparsity of a linear may differ from that of the whole model.',
  type: 'number',
  minimum: 0,
  maximum: 1,
  examples: [0.08],
} as const;
