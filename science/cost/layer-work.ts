/** The costs of parts of the work on one decoder layer. Methods build their costs from these. */
import { pairsOfBlocks } from '../models/attention-blocks.js';
import type { ModelSize, SubBlockSize } from './model-size.js';
import type { Windows } from './windows.js';
import { addWork, type Cost, type Work } from './work.js';

/** Bytes of a float32 and a float64. */
export const f32 = 4;
export const f64 = 8;

/** Operations of a float64 inverse factor of `[width, width]` (science/engine/device-factor.ts), and float64 matrices at its peak. */
export const factorFlops = (width: number): number => (4 / 3) * width ** 3;
export const factorMatrices = 5;

/** Maximum bytes of weight gradients that are computed together (science/methods/rebuild/published/squared-gradients.ts). */
export const batchedGradients = 256 * 2 ** 20;
/** Copies of a query block's attention scores that are held at once, in a forward, and in a forward with backward. Capped scores need more. */
const scoresForward = ({ cappedScores }: ModelSize): number => (cappedScores ? 4 : 3);
const scoresBackward = ({ cappedScores }: ModelSize): number => (cappedScores ? 7 : 5);

/** Bytes of the residual stream of all windows, float32 `[samples, time, hidden]`. */
export function hiddenBytes(size: ModelSize, { samples, time }: Windows): number {
  return f32 * samples * time * size.hidden;
}

/** Bytes of the packed masks of one layer: one bit per weight. */
export function maskBytes(size: ModelSize): number {
  return Math.ceil(size.layer.linear / 8);
}

export function batchOf({ samples, perBatch }: Windows): number {
  return Math.min(samples, perBatch);
}

/** Bytes of the attention scores of one batch, for the largest block of queries. */
function scoreBytes({ heads }: ModelSize, windows: Windows): number {
  return f32 * batchOf(windows) * heads * pairsOfBlocks(windows.time).largest;
}

/** Upper bound on the bytes of one batch in a forward through a layer. Assumes that the outputs of all linears are held until the end. */
export function forwardBatch(size: ModelSize, windows: Windows): number {
  const { subBlocks } = size.layer;
  const widths = subBlocks.reduce((total, { innerWidth, coreWidth, share }) => total + share * (innerWidth + 2 * coreWidth), 6 * size.hidden);
  return scoresForward(size) * scoreBytes(size, windows) + f32 * batchOf(windows) * windows.time * widths;
}

/** The same for one sub-block with its sparse forward, dense forward and gradients. */
export function gradientBatch(size: ModelSize, block: SubBlockSize, windows: Windows): number {
  const tokens = batchOf(windows) * windows.time;
  const scores = block.block === 'attention' ? scoresBackward(size) * scoreBytes(size, windows) : 0;
  const activations = f32 * tokens * (block.share * (3 * block.innerWidth + 4 * block.coreWidth) + 5 * size.hidden);
  const batched = batchOf(windows) * f32 * size.layer.largestLinear;
  // Gradients and their squares; or for one sequence after the other: the sum so far, and two of gradient, square and next sum.
  const gradients = batched <= batchedGradients ? 2 * batched : 3 * f32 * size.layer.largestLinear;
  return scores + activations + gradients;
}

/** Maximum bytes of host buffers that are no longer used and not collected yet (science/engine/dead-buffers.ts). */
const deadBuffers = 128 * 2 ** 20;

/**
 * In the engine: the layer's weights. On the host: what remains of their bytes from the file until it is collected, and one tensor being
 * decoded.
 */
export function weightsMemory(size: ModelSize): Cost['memory'] {
  const { parameters, largestLinear } = size.layer;
  return { tensors: f32 * parameters, host: Math.min(size.bytesPerWeight * parameters, deadBuffers) + 2 * f32 * largestLinear };
}

export function readLayer(size: ModelSize): Partial<Work> {
  const { parameters } = size.layer;
  return { readBytes: size.bytesPerWeight * parameters, movedBytes: 3 * f32 * parameters };
}

/** One forward of all windows through the layer. */
export function forwardWork(size: ModelSize, windows: Windows): Work {
  const tokens = windows.samples * windows.time;
  const attention = size.layer.subBlocks.filter(({ block }) => block === 'attention').reduce((total, { coreWidth }) => total + coreWidth, 0);
  const widths = size.layer.subBlocks.reduce((total, { innerWidth, coreWidth, share }) => total + share * (4 * innerWidth + 4 * coreWidth), 12 * size.hidden);
  const read = size.layer.subBlocks.reduce((total, { linear, share }) => total + share * linear, 0);
  // An expert gathers its tokens from the stream and adds its output back.
  const experts = size.layer.subBlocks.filter(({ block }) => block === 'expert').length;
  const streams = 4 * experts * size.streamsInLayer * size.hidden;
  const batches = Math.ceil(windows.samples / batchOf(windows));
  /** Average number of keys per query. */
  const keys = pairsOfBlocks(windows.time).all / windows.time;
  return addWork(
    [tokens, { flops: 2 * read + 4 * keys * attention, movedBytes: f32 * (widths + streams + 8 * size.heads * keys) }],
    [batches, { calls: 80 + 40 * experts }],
  );
}

/** An artifact is a file and its manifest. */
const filesOfArtifact = 2;
/** A gradient between layers has the size of the hidden states. */
export const storeGradient = (size: ModelSize, windows: Windows): Partial<Work> => ({ writtenBytes: hiddenBytes(size, windows), files: filesOfArtifact });
export const storeMask = (size: ModelSize): Partial<Work> => ({ writtenBytes: maskBytes(size), files: filesOfArtifact });

