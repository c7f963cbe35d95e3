import { addWork, f32, forwardWork, hiddenBytes, readLayer, storeMask, weightsMemory, type Cost, type ModelSize, type SubBlockSize, type Windows, type Work } from '../../cost/index.js';

/** Forwards that one published round is worth, and how many of them stay without gradients. */
export const publishedForwards = 4.33;
export const gradientForwards = 1.33;

/** How many calls of the engine guarded rounds take for one of a whole forward: most of their forwards are over a part of the windows. */
export const partsOfRounds = 1.75;

/** Tensors that a least-squares fit holds (science/methods/parts/masked-least-squares.ts), of the weights that it takes at once, its steps, and its calls of the engine for a linear. */
export const fitTensors = (largestLinear: number): number => 10 * Math.min(2 ** 24, largestLinear);
export const stepsOfFit = 10;
export const callsOfFit = 250;

/** What a strategy takes beyond the layer's weights. */
export interface RebuildWork {
  /** Copies of the residual stream that are held at once. */
  streams: number;
  /** Bytes of tensors, and of host memory, while one sub-block is rebuilt. */
  tensors: (block: SubBlockSize) => number;
  host: (block: SubBlockSize) => number;
  /** Forwards over all windows, and selections among all weights. */
  forwards: number;
  /** How many calls of the engine a forward takes for one of a whole forward; 1 where absent. Those over few windows take as many as those over all. */
  parts?: number;
  selections: number;
  more?: Partial<Work>;
}

/**
 * Forwards that judging the output of a mixture's layer takes, and none of other layers (layer-guard.ts): the target, the start, and after
 * the attention.
 * @param beside with a dense path: its part of the target, and of experts that of the same tokens
 */
export function guardForwards({ layer }: ModelSize, beside = false): number {
  return layer.subBlocks.some(({ block }) => block === 'expert') ? 3 + (beside ? 2 : 0) : 0;
}

/** A layer's rebuild, sub-block by sub-block. */
export function rebuildCost(size: ModelSize, windows: Windows, { streams, tensors, host, forwards, parts = 1, selections, more = {} }: RebuildWork): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: {
      tensors: base.tensors + streams * size.streamsInLayer * hiddenBytes(size, windows) + Math.max(...layer.subBlocks.map(tensors)),
      host: base.host + layer.linear + Math.max(...layer.subBlocks.map(host)),
    },
    work: addWork(
      [1, readLayer(size)], [forwards, forwardWork(size, windows)], [forwards * (parts - 1), { calls: forwardWork(size, windows).calls }], [selections, { rankedWeights: 2 * layer.linear, movedBytes: 8 * f32 * layer.linear }],
      [1, storeMask(size)], [1, more],
    ),
  };
}
