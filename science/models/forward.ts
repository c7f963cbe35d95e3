import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { runSubBlock } from './sub-block.js';
import type { DecoderLayer, DecoderModel, SubBlock, Weights } from './types.js';

/** Runs one decoder layer on the residual stream h `[batch, time, hidden]`. The result has the same shape. */
export function runDecoderLayer(layer: DecoderLayer, h: Tensor3D, weights: Weights): Tensor3D {
  return throughSubBlocks(layer, h, (subBlock, stream) => subBlock.leave(stream, runSubBlock(subBlock, subBlock.enter(stream, weights), weights), weights));
}

/**
 * Passes the stream h through all sub-blocks of a layer. A mixture may have a hundred of them, so the tensors of each are freed
 * before the next begins.
 *
 * @param run returns the stream after a sub-block
 */
export function throughSubBlocks(layer: DecoderLayer, h: Tensor3D, run: (subBlock: SubBlock, stream: Tensor3D) => Tensor3D): Tensor3D {
  return tf.tidy(() => {
    let stream = h;
    for (const subBlock of layer.subBlocks) {
      const before = stream;
      stream = tf.tidy(() => run(subBlock, before));
      if (before !== h && before !== stream) before.dispose();
    }
    return stream;
  });
}

/**
 * Runs the whole model at once, for models that fit in memory.
 *
 * @param weights every tensor of the model.
 * @param ids int32 `[batch, time]`
 * @returns logits `[batch, time, vocabulary]`
 */
export function forwardLogits(model: DecoderModel, weights: Weights, ids: Tensor2D): Tensor3D {
  return tf.tidy(() => {
    let h = model.embed(ids, weights);
    for (let index = 0; index < model.layers; index++) h = runDecoderLayer(model.decoderLayer(index), h, weights);
    return model.head(h, weights);
  });
}
