/** What parts of the work on one decoder layer take. Methods put their costs together from these. */
import { pairsOfBlocks } from '../models/attention-blocks.js';
import type { ModelSize, SubBlockSize } from './model-size.js';
import type { Windows } from './windows.js';
import { addWork, type Cost, type Work } from './work.js';

/** Bytes of a float32, of a float64. */
export const f32 = 4;
export const f64 = 8;

/** Operations of the factor of `[width, width]` with its inverse, in float64 (science/engine/device-factor.ts), and float64 matrices at its peak. */
export const factorFlops = (width: number): number => (4 / 3) * width ** 3;
export const factorMatrices = 5;

/** Most bytes of weight gradients that are made together (science/methods/rebuild/published/squared-gradients.ts). */
export const batchedGradients = 256 * 2 ** 20;
/** Times that the attention scores of a block of queries are held at once: forward; forward and backward. Caps need more. */
const scoresForward = ({ cappedScores }: ModelSize): number => (cappedScores ? 4 : 3);
const scoresBackward = ({ cappedScores }: ModelSize): number => (cappedScores ? 7 : 5);

/** Bytes of the residual stream of all windows, float32 `[samples, time, hidden]`. */
export function hiddenBytes(size: ModelSize, { samples, time }: Windows): number {
  return f32 * samples * time * size.hidden;
}

/** Bytes of packed masks of one layer: a bit a weight. */
export function maskBytes(size: ModelSize): number {
  return Math.ceil(size.layer.linear / 8);
}

export function batchOf({ samples, perBatch }: Windows): number {
  return Math.min(samples, perBatch);
}

/** Bytes of the attention scores of one batch and the largest block of queries. */
function scoreBytes({ heads }: ModelSize, windows: Windows): number {
  return f32 * batchOf(windows) * heads * pairsOfBlocks(windows.time).largest;
}

/** Most bytes that one batch takes on its way through a whole layer, forward only: as if what all linears give were held until the end of the layer. */
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
  const gradients = 2 * (batched <= batchedGradients ? batched : 2 * f32 * size.layer.largestLinear);
  return scores + activations + gradients;
}

/** The layer's weights in the engine; on the host those of the next one on their way, and one tensor being decoded. */
export function weightsMemory(size: ModelSize): Cost['memory'] {
  const { parameters, largestLinear } = size.layer;
  return { tensors: f32 * parameters, host: size.bytesPerWeight * parameters + 2 * f32 * largestLinear };
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
  // An expert takes the stream apart and puts it together again.
  const experts = size.layer.subBlocks.filter(({ block }) => block === 'expert').length;
  const streams = 4 * experts * size.streamsInLayer * size.hidden;
  const batches = Math.ceil(windows.samples / batchOf(windows));
  /** Keys that a query meets, on average. */
  const keys = pairsOfBlocks(windows.time).all / windows.time;
  return addWork(
    [tokens, { flops: 2 * read + 4 * keys * attention, movedBytes: f32 * (widths + streams + 8 * size.heads * keys) }],
    [batches, { calls: 80 + 40 * experts }],
  );
}

/** What is stored is a file and its manifest. */
const filesOfArtifact = 2;
/** A gradient between layers, which is as large as the hidden states there. */
export const storeGradient = (size: ModelSize, windows: Windows): Partial<Work> => ({ writtenBytes: hiddenBytes(size, windows), files: filesOfArtifact });
export const storeMask = (size: ModelSize): Partial<Work> => ({ writtenBytes: maskBytes(size), files: filesOfArtifact });

