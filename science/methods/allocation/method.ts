/** The interface that every allocation method implements. */
import type { Cost, ModelSize, Windows } from '../../cost/index.js';
import type { LinearKind } from '../../models/index.js';
import type { Identity, Settings, Values } from '../settings.js';
import type { layerSensitivity, lossGradient } from './sensitivity/run.js';

/** One of the linears that are pruned. */
export interface LinearScore {
  name: string;
  /** Number of weights. */
  size: number;
  /** Index of its decoder layer. */
  layer: number;
  /** Its role in the layer. Absent if unknown. */
  kind?: LinearKind;
  /** A larger score keeps more weights. Only methods that score read it. */
  score: number;
}

/** A linear of the layer that is being scored. */
export interface ScoredLinear {
  /** Row-major `[out, in]`. */
  weight: Float32Array;
  /** `||x_j||_2`, `[in]`, in the same unit for all linears of the layer. */
  inputNorms: Float32Array;
}

/** How far the sparsity of each linear should be from that of the whole model: `reach * shift`. */
export interface Deviations {
  /** Reduced if the sparsity of a linear would leave [0, 1]. */
  reach: number;
  /** One number in [-1, 1] per linear. Their mean, weighted by size, is 0. */
  shifts: number[];
}

interface Described<S extends Settings> {
  /** One or two sentences for editors and docs. */
  description: string;
  /** Settings that an allocation by this method may have. */
  settings: S;
  /** `spread` if the file does not set it. */
  defaultSpread: number;
  /** Increased when a code change can change the bits of the method's scores, or its deviations. */
  version: number;
  /** Returns the settings that the budgets depend on, with defaults filled in. */
  identity(this: void, settings: Values<S>): Identity;
  /** Turns scores, or positions in the model, into sparsities. */
  deviations(this: void, linears: readonly LinearScore[], settings: Values<S>): Deviations;
}

/** Allocates by the model's shape alone. Nothing is run for it. */
export interface UnscoredMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'nothing';
}

/** Scores a dense layer by its weights and inputs, in one forward from the first layer to the last. */
export interface InputMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'inputs';
  /** The cost of one layer. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  /** `score` returns one number for each linear of a layer. */
  load(this: void): Promise<{ score: (linears: readonly ScoredLinear[]) => number[] }>;
}

/** Scores a dense layer by the gradient of the loss: a forward that keeps the states of all layers, then backward from the last layer to the first. */
export interface GradientMethod<S extends Settings = Settings> extends Described<S> {
  needs: 'gradients';
  /** The cost of one layer of the backward pass. */
  cost(this: void, size: ModelSize, windows: Windows): Cost;
  load(this: void): Promise<{ lossGradient: typeof lossGradient; layerSensitivity: typeof layerSensitivity }>;
}

/** A method is a folder, and its `method.ts` describes it with this type. The code that computes is loaded on demand. */
export type AllocationMethod<S extends Settings = Settings> = UnscoredMethod<S> | InputMethod<S> | GradientMethod<S>;

/** What has to run before a method can allocate. */
export type AllocationNeeds = AllocationMethod['needs'];

/** Checks the type of a method's description, and keeps the types of its settings. */
export function allocationMethod<const S extends Settings>(method: AllocationMethod<S>): AllocationMethod<S> {
  return method;
}

/** The setting that all methods have. Each has its own default. */
export const spreadSetting = {
  description: 'How much the sparsity of a linear may differ from that of the whole model.',
  type: 'number',
  minimum: 0,
  maximum: 1,
  examples: [0.08],
} as const;
