import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import { layerForward } from '../../parts/layer-forward.js';
import { reconstructionForwards, reconstructionTargets, reconstructLayer } from '../../parts/reconstruct/index.js';
import type { SubBlockEntry } from '../method.js';
import { rate } from './recipe.js';
import { sequencesIn } from './windows.js';
import type { Pruned } from './windows.js';

export interface ReconstructionStep extends Pruned {
  layer: DecoderLayer;
  dense: Weights;
  /** The residual streams before the layer; stay the caller's. */
  hidden: Tensor3D[];
  denseHidden?: readonly Tensor3D[];
  /** Share of the dense path in the target. */
  denseShare: number;
  epochs: number;
  heldOut: number;
  /** Names of linears that keep the values that they have. */
  fixed: ReadonlySet<string>;
  round: (linear: string, values: Float32Array) => Float32Array;
}

/** What a reconstruction came to. */
export interface Reconstructed {
  updates: Map<string, Float32Array>;
  /** The residual stream after the layer with the new values; absent if those of the start stand. */
  after?: Tensor3D[];
  entry: NonNullable<SubBlockEntry['reconstruction']>;
  forwards: number;
}

/** Trains the weights that a layer has kept, together, and keeps them if that lowers the error of held-out windows. */
export async function reconstructionStep({ layer, dense, hidden, denseHidden, denseShare, masks, updates, epochs, heldOut, fixed, round }: ReconstructionStep): Promise<Reconstructed> {
  const targets = await reconstructionTargets({ layer, dense, hidden, denseHidden, share: denseShare });
  try {
    const windows = hidden.map((h, index) => ({ h, target: targets[index] }));
    const made = await reconstructLayer({ layer, dense, masks, start: updates, windows, heldOut, epochs, rate, fixed, round });
    const { errorBefore, error, accepted } = made;
    const after = accepted ? await layerForward({ layer, hidden, weights: dense, masks, updates: made.updates, keepInput: true }) : undefined;
    const forwards = (denseHidden === undefined ? 1 : 2) + reconstructionForwards(made.epochs.length, heldOut / sequencesIn(hidden)) + Number(accepted);
    return { updates: made.updates, ...(after && { after }), entry: { errorBefore, error, accepted, epochs: made.epochs.length }, forwards };
  } finally {
    tf.dispose(targets);
  }
}
