import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import { throughSubBlocks } from '../../models/forward.js';
import { applyLinear } from '../../models/sub-block.js';
import type { DecoderLayer, LinearSpec, SequenceLayout, SubBlock, Weights } from '../../models/types.js';
import { withMasked } from './masked-weights.js';
import type { Masks, Updates } from './masked-weights.js';

export interface LayerForward {
  layer: DecoderLayer;
  /** The residual stream before the layer, in batches `[batch, time, hidden]`. Unless `keepInput`, disposed batch by batch, or all on failure. */
  hidden: readonly Tensor3D[];
  /** Every tensor of the layer. */
  weights: Weights;
  /** Masks of the linears. A linear without a mask is not pruned. */
  masks?: Masks;
  /** Values that replace the dense ones. */
  updates?: Updates;
  /** Called with the input `[batch, time, in]` of every linear as it runs. Must not keep the tensor. */
  onInput?: (linear: LinearSpec, x: Tensor3D) => void;
  /** Called with the input `[batch, time, hidden]` of every sub-block as it runs. Must not keep the tensor. */
  onSubBlock?: (subBlock: SubBlock, x: Tensor3D) => void;
  keepInput?: boolean;
  /** Whether this is the last use of the weights. Then each one is freed as soon as it is masked, so that no layer is there twice. */
  lastUse?: boolean;
  /** The layout of each batch, if the sequences are questions. */
  layouts?: readonly SequenceLayout[];
}

/**
 * Runs one decoder layer over all batches. With the same masks and updates it gives the same bits as the last pass of a rebuild.
 *
 * @returns the residual stream after the layer, in the same batches
 */
export async function layerForward({ layer, hidden, weights, masks, updates, onInput, onSubBlock, keepInput, lastUse, layouts }: LayerForward): Promise<Tensor3D[]> {
  const after: Tensor3D[] = [];
  try {
    await withMasked(weights, masks ?? new Map(), async (used) => {
      for (const [index, h] of hidden.entries()) {
        after.push(runLayer(layer, h, used, { onInput, onSubBlock }, layouts?.[index]));
        if (keepInput !== true) h.dispose();
        // Lets a cancellation take effect between two batches.
        await macrotask();
      }
    }, updates, lastUse);
    return after;
  } catch (fault) {
    tf.dispose(after);
    if (keepInput !== true) tf.dispose([...hidden]);
    throw fault;
  }
}

/**
 * Runs a dense layer over all batches only to visit the inputs of its linears. Skips the last product, which nothing reads: 22 % of the
 * products of a LLaMA layer's linears. Keeps the residual stream.
 */
export async function visitInputs({ layer, hidden, weights, ...visits }: Pick<LayerForward, 'layer' | 'hidden' | 'weights' | 'onSubBlock'> & Required<Pick<LayerForward, 'onInput'>>): Promise<void> {
  for (const h of hidden) {
    tf.tidy(() => { runLayer(layer, h, weights, visits, undefined, layer.subBlocks.at(-1)); });
    // Lets a cancellation take effect between two batches.
    await macrotask();
  }
}

/** @param unread a sub-block whose output is not computed; the stream passes it unchanged */
function runLayer(layer: DecoderLayer, h: Tensor3D, weights: Weights, { onInput, onSubBlock }: Pick<LayerForward, 'onInput' | 'onSubBlock'>, layout?: SequenceLayout, unread?: SubBlock): Tensor3D {
  return throughSubBlocks(layer, h, (subBlock, stream) => {
    const apply = (linear: LinearSpec, x: Tensor3D): Tensor3D => {
      onInput?.(linear, x);
      return applyLinear(x, linear, weights);
    };
    const x = subBlock.enter(stream, weights);
    onSubBlock?.(subBlock, x);
    const core = subBlock.core(subBlock.inputs.map((linear) => apply(linear, x)), weights, layout);
    if (subBlock === unread) {
      onInput?.(subBlock.output, core);
      return stream;
    }
    return subBlock.leave(stream, apply(subBlock.output, core), weights);
  });
}
