import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, Weights } from '../../models/index.js';
import { layerForward } from '../parts/layer-forward.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import { mean } from './guarded/calibration-folds.js';
import { meanSquare } from './published/output-gradients.js';

/** Masks and values of a layer as they stand. */
export interface LayerState {
  masks: Masks;
  /** Of the linears whose values are not the dense ones. */
  updates: Updates;
}

/**
 * Judges a rebuild by the output of the whole layer. In a mixture the attention decides which experts a token gets, so a change that
 * lowers the error of its own output may raise that of the layer's. Takes three forwards of the layer: dense, at the start, after the attention.
 */
export class LayerGuard {
  private constructor(
    private readonly layer: DecoderLayer,
    private readonly dense: Weights,
    private readonly entering: readonly Tensor3D[],
    private readonly targets: readonly Tensor3D[],
  ) {}

  /**
   * @param hidden the residual stream before the layer; stays the caller's
   * @param targets what the layer is to put out, taken over; what its dense weights do if absent
   */
  static async open({ layer, hidden, dense, targets }: { layer: DecoderLayer; hidden: readonly Tensor3D[]; dense: Weights; targets?: Tensor3D[] }): Promise<LayerGuard> {
    const entering = hidden.map((h) => h.clone());
    return new LayerGuard(layer, dense, entering, targets ?? await layerForward({ layer, hidden: entering, weights: dense, keepInput: true }));
  }

  /** The stream before the layer; the caller's to dispose. */
  input(): Tensor3D[] {
    return this.entering.map((h) => h.clone());
  }

  /** Mean squared difference of the layer's output from its target. */
  async errorOf({ masks, updates }: LayerState): Promise<number> {
    const after = await layerForward({ layer: this.layer, hidden: this.entering, weights: this.dense, masks, updates, keepInput: true });
    try {
      return this.errorAfter(after);
    } finally {
      tf.dispose(after);
    }
  }

  /** The same of the stream after the layer, which stays the caller's. */
  errorAfter(after: readonly Tensor3D[]): number {
    const errors = after.flatMap((h, batch) => {
      const ofBatch = tf.tidy(() => meanSquare(h.sub<Tensor3D>(this.targets[batch])));
      const values = [...ofBatch.dataSync<'float32'>()];
      ofBatch.dispose();
      return values;
    });
    return mean(errors);
  }

  dispose(): void {
    tf.dispose([...this.entering, ...this.targets]);
  }
}
