import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { DecoderLayer, SubBlock, Weights } from '../../../models/types.js';

/** Runs the residual stream of the dense model through a layer, in step with a rebuild that may skip sub-blocks. */
export class DensePath {
  /** Index of the sub-block that reads the stream. */
  private at = 0;

  private constructor(private readonly layer: DecoderLayer, private readonly dense: Weights, private stream: Tensor3D[]) {}

  /** @param hidden the stream before the layer; not disposed */
  static open(layer: DecoderLayer, dense: Weights, hidden: readonly Tensor3D[]): DensePath {
    return new DensePath(layer, dense, hidden.map((h) => h.clone()));
  }

  /** Returns the stream before a sub-block, or after the layer. It is valid until the next call. */
  async before(subBlock?: SubBlock): Promise<readonly Tensor3D[]> {
    const end = subBlock === undefined ? this.layer.subBlocks.length : this.layer.subBlocks.indexOf(subBlock);
    while (this.at < end) await this.advance(this.layer.subBlocks[this.at]);
    return this.stream;
  }

  /** Moves past a sub-block. @param after the stream after it, computed elsewhere; owned by this object from now on */
  passed(subBlock: SubBlock, after: Tensor3D[]): void {
    tf.dispose(this.stream);
    this.stream = after;
    this.at = this.layer.subBlocks.indexOf(subBlock) + 1;
  }

  dispose(): void {
    tf.dispose(this.stream);
  }

  private async advance(subBlock: SubBlock): Promise<void> {
    const after: Tensor3D[] = [];
    for (const h of this.stream) {
      after.push(tf.tidy(() => keep(subBlock.leave(h, runSubBlock(subBlock, subBlock.enter(h, this.dense), this.dense), this.dense))));
      await macrotask();
    }
    this.passed(subBlock, after);
  }
}
