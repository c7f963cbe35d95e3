import type { Metric, RebuildStage } from '../config/pipeline.js';
import type { Windows } from './batches.js';
import { addWork, type Cost, type Work } from './cost.js';
import type { ModelSize, SubBlockSize } from './model-size.js';

/** Bytes of a float32, of a float64. */
const f32 = 4;
const f64 = 8;

/** Most bytes of weight gradients that are made together (science/methods/rebuild/published/squared-gradients.ts). */
const batchedGradients = 256 * 2 ** 20;
/** Most logits held at once (science/evaluation/perplexity.ts). */
const maxLogits = 64 * 2 ** 20;

/** Times that attention scores `[heads, time, time]` are held at once: forward; forward and backward. */
const scoresForward = 3;
const scoresBackward = 5;

/** Bytes of the residual stream of all windows, float32 `[samples, time, hidden]`. */
export function hiddenBytes(size: ModelSize, { samples, time }: Windows): number {
  return f32 * samples * time * size.hidden;
}

/** Bytes of packed masks of one layer: a bit a weight. */
export function maskBytes(size: ModelSize): number {
  return Math.ceil(size.layer.linear / 8);
}

function batchOf({ samples, perBatch }: Windows): number {
  return Math.min(samples, perBatch);
}

/** Bytes of one batch's attention scores. */
function scoreBytes({ heads }: ModelSize, windows: Windows): number {
  return f32 * batchOf(windows) * heads * windows.time * windows.time;
}

/** Bytes that one batch takes on its way through a whole layer, forward only: what the linears give stays to the end of the layer. */
function forwardBatch(size: ModelSize, windows: Windows): number {
  const { subBlocks } = size.layer;
  const widths = subBlocks.reduce((total, { innerWidth, coreWidth }) => total + innerWidth + 2 * coreWidth, 6 * size.hidden);
  return scoresForward * scoreBytes(size, windows) + f32 * batchOf(windows) * windows.time * widths;
}

/** The same for one sub-block with its sparse forward, dense forward and gradients. */
function gradientBatch(size: ModelSize, block: SubBlockSize, windows: Windows): number {
  const tokens = batchOf(windows) * windows.time;
  const scores = block.block === 'attention' ? scoresBackward * scoreBytes(size, windows) : 0;
  const activations = f32 * tokens * (3 * block.innerWidth + 4 * block.coreWidth + 5 * size.hidden);
  const batched = batchOf(windows) * f32 * size.layer.largestLinear;
  const gradients = 2 * (batched <= batchedGradients ? batched : 2 * f32 * size.layer.largestLinear);
  return scores + activations + gradients;
}

/** The layer's weights in the engine; on the host those of the next one on their way, and one tensor being decoded. */
function weightsMemory(size: ModelSize): Cost['memory'] {
  const { parameters, largestLinear } = size.layer;
  return { tensors: f32 * parameters, host: size.bytesPerWeight * parameters + 2 * f32 * largestLinear };
}

function readLayer(size: ModelSize): Partial<Work> {
  const { parameters } = size.layer;
  return { readBytes: size.bytesPerWeight * parameters, movedBytes: 3 * f32 * parameters };
}

/** One forward of all windows through the layer. */
export function forwardWork(size: ModelSize, windows: Windows): Work {
  const tokens = windows.samples * windows.time;
  const attention = size.layer.subBlocks.filter(({ block }) => block === 'attention').reduce((total, { coreWidth }) => total + coreWidth, 0);
  const widths = size.layer.subBlocks.reduce((total, { innerWidth, coreWidth }) => total + 4 * innerWidth + 4 * coreWidth, 12 * size.hidden);
  const batches = Math.ceil(windows.samples / batchOf(windows));
  return addWork(
    [tokens, { flops: 2 * size.layer.linear + 4 * windows.time * attention, movedBytes: f32 * (widths + 8 * size.heads * windows.time) }],
    [batches, { calls: 80 }],
  );
}

/** What is stored is a file and its manifest. */
const filesOfArtifact = 2;
const storeHidden = (size: ModelSize, windows: Windows): Partial<Work> => ({ writtenBytes: hiddenBytes(size, windows), files: filesOfArtifact });
const storeMask = (size: ModelSize): Partial<Work> => ({ writtenBytes: maskBytes(size), files: filesOfArtifact });

/** A layer that is only run, dense or under its mask. */
export function advanceCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: {
      tensors: base.tensors + f32 * layer.linear + hiddenBytes(size, windows) + forwardBatch(size, windows),
      host: base.host + layer.linear,
    },
    work: addWork([1, readLayer(size)], [1, forwardWork(size, windows)], [1, storeHidden(size, windows)]),
  };
}

/** A layer's first mask where no calibration is needed: by magnitude, or from a file. */
export function plainMaskCost(size: ModelSize): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  return {
    memory: { tensors: base.tensors, host: base.host + layer.linear + 2 * f32 * layer.largestLinear },
    work: addWork([1, readLayer(size)], [1, { rankedWeights: layer.linear, calls: 20 }], [1, storeMask(size)]),
  };
}

/** A layer's first mask by Wanda: statistics from one forward, then the pruned layer's forward. */
export function wandaCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  const hidden = hiddenBytes(size, windows);
  return {
    memory: {
      tensors: base.tensors + forwardBatch(size, windows) + Math.max(2 * hidden, f32 * layer.linear + hidden),
      host: base.host + layer.linear + 2 * f32 * layer.largestLinear,
    },
    work: addWork(
      [1, readLayer(size)], [2, forwardWork(size, windows)], [1, { rankedWeights: 1.5 * layer.linear }],
      [1, storeHidden(size, windows)], [1, storeMask(size)],
    ),
  };
}

/** Columns that SparseGPT prunes together. */
const sparseGptBlock = 128;
/** Hessians up to this size are factored on the host (science/methods/parts/cholesky.ts). */
const hostFactor = 1024;

/** A layer's first mask by SparseGPT: Wanda's two forwards, and the Hessians of all inputs with their factors. */
export function sparseGptCost(size: ModelSize, windows: Windows): Cost {
  const { layer } = size;
  const { memory, work } = wandaCost(size, windows);
  const widest = Math.max(...layer.inputWidths);
  const hessians = layer.inputWidths.map((width): Partial<Work> => {
    const factor = (2 / 3) * width ** 3;
    const onHost = width <= hostFactor ? factor : 0;
    return { flops: 2 * windows.samples * windows.time * width ** 2 + factor - onHost, hostFlops: 2 * windows.samples * width ** 2 + onHost, calls: 4 * windows.samples };
  });
  const updates = layer.inputWidths.map((width, i): Partial<Work> => ({
    flops: layer.readers[i] * width,
    hostFlops: layer.readers[i] * sparseGptBlock / 2,
    calls: (10 * width) / sparseGptBlock,
  }));
  return {
    memory: {
      tensors: memory.tensors + f32 * layer.largestLinear,
      // All Hessians, one factor and the product that is being added; the updated values, and one linear in three copies.
      host: memory.host + f64 * layer.inputWidths.reduce((total, width) => total + width ** 2, 0) + (f64 + f32) * widest ** 2 + f32 * layer.linear + 3 * f32 * layer.largestLinear,
    },
    work: addWork(
      [1, work],
      ...[...hessians, ...updates].map((part) => [1, part] as const),
      [1, { writtenBytes: f32 * layer.linear, files: layer.linears }],
    ),
  };
}

/** What a rebuild does to a layer. */
export interface RebuildKind {
  strategy: 'published' | 'guarded';
  metric: Metric;
  weights: RebuildStage['weights'];
  /** `guarded`: forwards beyond those of a published round. */
  budget: number;
}

/** Forwards that one published round is worth, and how many of them stay without gradients. */
const publishedForwards = 4.33;
const gradientForwards = 1.33;
/** Folds that a guarded rebuild cuts the windows into (science/methods/rebuild/guarded/guarded-rebuild.ts). */
const folds = 4;

/** A layer's rebuild, sub-block by sub-block. A guarded one is taken to spend its whole budget. */
export function rebuildCost(size: ModelSize, windows: Windows, { strategy, metric, weights, budget }: RebuildKind): Cost {
  const { layer } = size;
  const base = weightsMemory(size);
  const hidden = hiddenBytes(size, windows);
  const guarded = strategy === 'guarded';
  const refit = guarded && weights === 'refit';
  // Published: the stream and the dense outputs; guarded: the sub-block's inputs, too.
  const streams = (guarded ? 3 : 2) * hidden;
  // It takes gradients from parts of batches, a fold each.
  const taught = guarded ? { ...windows, perBatch: Math.min(windows.perBatch, Math.ceil(windows.samples / folds)) } : windows;
  const blocks = layer.subBlocks.map((block) => ({
    tensors: 2 * f32 * block.linear + Math.max(gradientBatch(size, block, taught), guarded ? forwardBatch(size, windows) : 0) + (refit ? refitMemory(size) : 0),
    host: (guarded ? 4 : 2) * block.linear + 2 * f32 * block.linear,
  }));
  const forwards = publishedForwards - (metric === 'weight' ? gradientForwards : 0) + (guarded ? budget : 0);
  // A guarded round tries a few ratios, and every one selects anew.
  const selections = guarded ? Math.max(1, budget) : 1;
  return {
    memory: {
      tensors: base.tensors + streams + Math.max(...blocks.map(({ tensors }) => tensors)),
      host: base.host + layer.linear + Math.max(...blocks.map(({ host }) => host)),
    },
    work: addWork(
      [1, readLayer(size)], [forwards, forwardWork(size, windows)], [selections, { rankedWeights: 2 * layer.linear, movedBytes: 8 * f32 * layer.linear }],
      [1, storeHidden(size, windows)], [1, storeMask(size)], [1, refit ? refitWork(size) : {}],
    ),
  };
}

/** Weights that a fit takes at once (science/methods/parts/masked-least-squares.ts), and the tensors of their size that it holds. */
const fittedAtOnce = 2 ** 24;
const tensorsOfFit = 10;

const stepsOfFit = 10;

/** The steps of the fits, and the fitted values. What grows with the tokens is part of the budget. */
function refitWork({ layer }: ModelSize): Partial<Work> {
  const products = layer.inputWidths.reduce((total, width, i) => total + layer.readers[i] * width, 0);
  return { flops: 2 * (stepsOfFit + 1) * products, writtenBytes: f32 * layer.linear, files: layer.linears };
}

/** Sums over the tokens of the widest input, and the fit of a linear. */
function refitMemory({ layer }: ModelSize): number {
  const widest = Math.max(...layer.inputWidths);
  return f32 * (2 * widest ** 2 + 2 * layer.largestLinear + tensorsOfFit * Math.min(fittedAtOnce, layer.largestLinear));
}

/** One layer of an allocation's scoring. */
export function scoringCost(size: ModelSize, windows: Windows, method: 'sensitivity' | 'owl'): Cost {
  if (method === 'owl') {
    const { memory, work } = wandaCost(size, windows);
    return { memory, work };
  }
  const { layer } = size;
  const base = weightsMemory(size);
  const gradients = Math.max(...layer.subBlocks.map((block) => gradientBatch(size, block, windows)));
  return {
    memory: { tensors: base.tensors + 3 * hiddenBytes(size, windows) + f32 * layer.linear + forwardBatch(size, windows) + gradients, host: base.host },
    work: addWork([1, readLayer(size)], [3, forwardWork(size, windows)], [1, storeHidden(size, windows)]),
  };
}

/** Tokens to hidden states. */
export function embedMemory(size: ModelSize, windows: Windows): Cost['memory'] {
  return { tensors: f32 * size.embedding + hiddenBytes(size, windows), host: (size.bytesPerWeight + f32) * size.embedding };
}

/** Bytes of the logits that are held at once. */
export function logitsBytes(size: ModelSize, windows: Windows): number {
  return f32 * Math.min(maxLogits, batchOf(windows) * Math.max(1, windows.time - 1) * size.vocabulary);
}

/** Perplexity of the hidden states after the last layer. */
export function scoreCost(size: ModelSize, windows: Windows): Cost {
  const tokens = windows.samples * windows.time;
  const batches = Math.ceil(windows.samples / batchOf(windows));
  return {
    // Logits, shifted by their maximum, and their exponentials.
    memory: { tensors: f32 * size.head + hiddenBytes(size, windows) + 3 * logitsBytes(size, windows), host: (size.bytesPerWeight + f32) * size.head },
    work: addWork([1, { readBytes: size.bytesPerWeight * size.head }], [tokens, { flops: 2 * size.head, movedBytes: 6 * f32 * size.vocabulary }], [batches, { calls: 30 }]),
  };
}
