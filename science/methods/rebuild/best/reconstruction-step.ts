import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import { layerForward } from '../../parts/layer-forward.js';
import { reconstructionForwards, reconstructionTargets, reconstructLayer } from '../../parts/reconstruct/index.js';
import type { SubBlockEntry } from '../method.js';
import { rate } from './recipe.js';
import { sequencesIn } from './windows.js';
import type { State } from '../../parts/sub-block-state.js';

export interface ReconstructionStep extends State {
  layer: DecoderLayer;
  dense: Weights;
  /** The residual streams before the layer. Not disposed. */
  hidden: Tensor3D[];
  denseHidden?: readonly Tensor3D[];
  /** Share of the dense path in the target. */
  denseShare: number;
  epochs: number;
  heldOut: number;
  /** Names of linears that are not trained. */
  fixed: ReadonlySet<string>;
  round: (linear: string, values: Float32Array) => Float32Array;
}

/** The result of a reconstruction. */
export interface Reconstructed {
  updates: Map<string, Float32Array>;
  /** The residual stream after the layer with the new values. Absent if the new values were not accepted. */
  after?: Tensor3D[];
  entry: NonNullable<SubBlockEntry['reconstruction']>;
  forwards: number;
}

/** Trains all kept weights of a layer together, and accepts the new values if they lower the error of held-out windows. */
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
