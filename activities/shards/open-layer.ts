import { outlive } from '../../science/engine/index.js';
import type { OpenWindows } from '../../science/methods/index.js';
import type { Weights } from '../../science/models/index.js';
import type { ArtifactKey, TokensRef } from '../types.js';
import { disposeWeights } from '../weights.js';

/** Windows of a shard before one of a layer's sub-blocks. */
export interface WindowsBefore {
  /** Index of the sub-block. */
  block: number;
  windows: OpenWindows;
  /** For each sub-block before it: its error under its new masks, as a mean over the shard's sequences, and the duration of that forward. */
  finished: readonly { error: number; seconds: number }[];
}

interface Opened extends WindowsBefore {
  whole: ArtifactKey | undefined;
  layer: ArtifactKey;
}

/**
 * What stays in memory between the steps of a layer's rebuild from shards: the layer's dense weights, and the windows of the shards. They
 * belong to one run at a time. What is lost is read or computed again, with the same bits.
 */
export class OpenLayer {
  /** By the key of the shard's tokens. */
  private readonly opened = new Map<ArtifactKey, Opened>();
  private dense: { of: string; weights: Weights } | undefined;

  /** Returns the layer's weights, which this object owns. @param of identifies model and layer @param read called if they are not in memory */
  async weights(of: string, read: () => Promise<Weights>): Promise<Weights> {
    if (this.dense?.of === of) return this.dense.weights;
    this.dropWeights();
    const weights = await read();
    for (const tensor of weights.values()) outlive(tensor);
    this.dense = { of, weights };
    return weights;
  }

  /**
   * Hands over a shard's windows if they are before a sub-block of a layer, or before an earlier one. Closes the windows of other
   * runs and layers, and the shard's own if they are past that sub-block.
   * @param layer key of the layer's rebuilt masks, which determines the masks after each sub-block
   */
  take({ key, shard }: TokensRef, layer: ArtifactKey, block: number): WindowsBefore | undefined {
    for (const [tokens, other] of this.opened) if (other.whole !== shard?.whole || other.layer !== layer) this.close(tokens);
    if ((this.opened.get(key)?.block ?? 0) > block) this.close(key);
    const opened = this.opened.get(key);
    this.opened.delete(key);
    return opened;
  }

  /** Keeps a shard's windows beyond the task. @param layer as in `take` */
  put({ key, shard }: TokensRef, layer: ArtifactKey, { block, windows, finished }: WindowsBefore): void {
    this.close(key);
    windows.outlive();
    this.opened.set(key, { block, windows, finished, whole: shard?.whole, layer });
  }

  forget(): void {
    for (const tokens of [...this.opened.keys()]) this.close(tokens);
    this.dropWeights();
  }

  dropWeights(): void {
    disposeWeights(this.dense?.weights ?? new Map());
    this.dense = undefined;
  }

  private close(tokens: ArtifactKey): void {
    this.opened.get(tokens)?.windows.dispose();
    this.opened.delete(tokens);
  }
}
