import { addWork, f32, forwardWork, hiddenBytes, readLayer, storeMask, weightsMemory, type Cost, type ModelSize, type SubBlockSize, type Windows, type Work } from '../../cost/index.js';

/** Forwards that one published round is worth, and how many of them stay without gradients. */
export const publishedForwards = 4.33;
export const gradientForwards = 1.33;

/** What a strategy takes beyond the layer's weights. */
export interface RebuildWork {
  /** Copies of the residual stream that are held at once. */
  streams: number;
  /** Bytes of tensors, and of host memory, while one sub-block is rebuilt. */
  tensors: (block: SubBlockSize) => number;
  host: (block: SubBlockSize) => number;
  /** Forwards over all windows, and selections among all weights. */
  forwards: number;
  selections: number;
  more?: Partial<Work>;
}

/** Forwards that judging the output of a mixture's layer takes, and none of other layers (layer-guard.ts). */
export function guardForwards({ layer }: ModelSize): number {
  return layer.subBlocks.some(({ block }) => block === 'expert') ? layerGuardForwards : 0;
}

const layerGuardForwards = 3;

/** A layer's rebuild, sub-block by sub-block. */
export function rebuildCost(size: ModelSize, windows: Windows, { streams, tensors, host, forwards, selections, more = {} }: RebuildWork): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: {
      tensors: base.tensors + streams * size.streamsInLayer * hiddenBytes(size, windows) + Math.max(...layer.subBlocks.map(tensors)),
      host: base.host + layer.linear + Math.max(...layer.subBlocks.map(host)),
    },
    work: addWork(
      [1, readLayer(size)], [forwards, forwardWork(size, windows)], [selections, { rankedWeights: 2 * layer.linear, movedBytes: 8 * f32 * layer.linear }],
      [1, storeMask(size)], [1, more],
    ),
  };
}
