import { addWork, f32, forwardWork, hiddenBytes, readLayer, storeMask, weightsMemory, type Cost, type ModelSize, type SubBlockSize, type Windows, type Work } from '../../cost/index.js';

/** The cost of one published round in forwards, and the part of it that is for gradients. */
export const publishedForwards = 4.33;
export const gradientForwards = 1.33;

/** Engine calls of guarded rounds for each call of a whole forward. Most of their forwards run over a part of the windows. */
export const partsOfRounds = 1.75;

/** A least-squares fit (science/methods/parts/masked-least-squares.ts): numbers held in tensors, steps, and engine calls per linear. */
export const fitTensors = (largestLinear: number): number => 10 * Math.min(2 ** 24, largestLinear);
export const stepsOfFit = 10;
export const callsOfFit = 250;

/** The cost of a strategy in addition to the layer's weights. */
export interface RebuildWork {
  /** Copies of the residual stream that are held at once. */
  streams: number;
  /** Bytes of tensors, and of host memory, during the rebuild of one sub-block. */
  tensors: (block: SubBlockSize) => number;
  host: (block: SubBlockSize) => number;
  /** Forwards over all windows, and selections among all weights. */
  forwards: number;
  /** Engine calls of a forward for each call of a whole forward; 1 if absent. A forward over few windows takes as many calls as one over all. */
  parts?: number;
  selections: number;
  /** How often the layer's weights are read; 1 if absent. */
  reads?: number;
  more?: Partial<Work>;
}

/**
 * Returns the forwards that it takes to judge the output of a layer with experts: for the target, at the start, and after the attention.
 * Other layers are not judged (layer-guard.ts).
 * @param beside whether there is a dense path. It adds two forwards: its part of the target, and for experts the same tokens on that path
 */
export function guardForwards({ layer }: ModelSize, beside = false): number {
  return layer.subBlocks.some(({ block }) => block === 'expert') ? 3 + (beside ? 2 : 0) : 0;
}

/** Returns the cost of a layer's rebuild, sub-block by sub-block. */
export function rebuildCost(size: ModelSize, windows: Windows, { streams, tensors, host, forwards, parts = 1, selections, reads = 1, more = {} }: RebuildWork): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: {
      tensors: base.tensors + streams * size.streamsInLayer * hiddenBytes(size, windows) + Math.max(...layer.subBlocks.map(tensors)),
      host: base.host + layer.linear + Math.max(...layer.subBlocks.map(host)),
    },
    work: addWork(
      [reads, readLayer(size)], [forwards, forwardWork(size, windows)], [forwards * (parts - 1), { calls: forwardWork(size, windows).calls }], [selections, { rankedWeights: 2 * layer.linear, movedBytes: 8 * f32 * layer.linear }],
      [1, storeMask(size)], [1, more],
    ),
  };
}
