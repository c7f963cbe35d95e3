import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import type { DecoderLayer, Weights } from '../../models/index.js';
import { layerForward } from '../parts/layer-forward.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import { mean, meanSquare } from '../parts/sequence-errors.js';

/** The current masks and values of a layer. */
export interface LayerState {
  masks: Masks;
  /** Values that differ from the dense ones. */
  updates: Updates;
}

/**
 * Judges a rebuild by the output of the whole layer. In a mixture of experts the attention affects which experts a token gets, so a change
 * that lowers the error of the attention's output may raise that of the layer. Takes three forwards of the layer: dense, at the start, and
 * after the attention.
 */
export class LayerGuard {
  private constructor(
    private readonly layer: DecoderLayer,
    private readonly dense: Weights,
    private readonly entering: readonly Tensor3D[],
    private readonly targets: readonly Tensor3D[],
  ) {}

  /**
   * @param hidden the residual stream before the layer; not disposed
   * @param targets the wanted outputs of the layer, owned by the guard from now on; by default, the outputs of the dense weights
   */
  static async open({ layer, hidden, dense, targets }: { layer: DecoderLayer; hidden: readonly Tensor3D[]; dense: Weights; targets?: Tensor3D[] }): Promise<LayerGuard> {
    const entering = hidden.map((h) => h.clone());
    return new LayerGuard(layer, dense, entering, targets ?? await layerForward({ layer, hidden: entering, weights: dense, keepInput: true }));
  }

  /** Returns the stream before the layer. The caller disposes it. */
  input(): Tensor3D[] {
    return this.entering.map((h) => h.clone());
  }

  /** Returns the mean squared difference between the layer's output and its target. */
  async errorOf({ masks, updates }: LayerState): Promise<number> {
    const after = await layerForward({ layer: this.layer, hidden: this.entering, weights: this.dense, masks, updates, keepInput: true });
    try {
      return this.errorAfter(after);
    } finally {
      tf.dispose(after);
    }
  }

  /** The same for a given stream after the layer, which is not disposed. */
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
