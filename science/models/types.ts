import type { Tensor, Tensor2D, Tensor3D } from '../engine/index.js';

/**
 * The place of a tensor that a checkpoint stores as rows of a larger one. Fused linears are one matrix in the checkpoint, but separate
 * linears everywhere else.
 */
export interface FusedPart {
  /** Name of the larger tensor in the checkpoint. */
  of: string;
  /** Other names that some checkpoints use for it. */
  aliases?: readonly string[];
  /** Number of its rows. */
  rows: number;
  /** The part's first row, the rows in each run, and the distance between the starts of two runs. */
  from: number;
  run: number;
  stride: number;
}

/** A tensor that a checkpoint must have. */
export interface TensorSpec {
  /** Name in the checkpoint; for a part of another tensor, the name that the part would have by itself. */
  name: string;
  /** Set if the checkpoint stores it as a part of another tensor. */
  part?: FusedPart;
  shape: readonly number[];
  /** Other names that some checkpoints use for it (tied embeddings, prefixes). */
  aliases?: readonly string[];
}

/** One prunable weight matrix. */
export interface LinearSpec {
  /** Name of the weight in the checkpoint, for example `model.layers.0.self_attn.q_proj.weight`; see {@link TensorSpec}. */
  name: string;
  /** Set if the checkpoint stores the weight as a part of another tensor. The bias is then the same part of that tensor's bias. */
  part?: FusedPart;
  /** Other names that some checkpoints use for the weight. */
  aliases?: readonly string[];
  /** `[out, in]`. */
  shape: readonly [number, number];
  /** Name of the bias `[out]`, if there is one. */
  bias?: string;
}

/** Tensors by checkpoint name. A linear's weight is looked up under its name like any other tensor. */
export type Weights = ReadonlyMap<string, Tensor>;

/**
 * The layout of sequences of questions: several continuations (tails) may follow the tokens that they share. A tail sees only the shared
 * tokens and its own earlier ones, and has the positions that it would have alone. Only for forwards without gradients.
 */
export interface SequenceLayout {
  /** Set if any sequence has tails. */
  tailed?: {
    /** The tail of each token, from 1; 0 for shared tokens. int32 `[batch, time]` */
    tails: Tensor2D;
    /** The position of each token. int32 `[batch, time]`, below `time` */
    positions: Tensor2D;
  };
}

/**
 * Attention, MLP or one expert of a decoder layer, in the common form of all decoder families:
 * `x = enter(h)`, each of `inputs` maps x, `core` combines their outputs without prunable weights, `output` maps the result back,
 * `leave` adds the residual. So dL/dY of every linear needs one pass back through `output` and the vector-Jacobian product of `core`.
 */
export interface SubBlock {
  block: 'attention' | 'mlp' | 'expert' | 'shared expert';
  /**
   * Only for an expert: its index in the layer, from 0, and the share of the tokens that an expert reads on average. Its x and y contain
   * only the tokens that are routed to it: `[batch, most, hidden]`, where `most` is the largest number in any sequence of the batch, at
   * least 1. Shorter sequences are padded with rows of zeros, which add nothing to a sum over tokens.
   */
  expert?: { index: number; share: number };
  /** Linears that read x: q, k, v, or gate, up, or fc1. */
  inputs: readonly LinearSpec[];
  /** The linear that reads the core's result: o_proj, down_proj, fc2. */
  output: LinearSpec;
  /** Returns the sub-block's input x from the residual stream h. Both `[batch, time, hidden]`. */
  enter(h: Tensor3D, weights: Weights): Tensor3D;
  /**
   * Differentiable by TensorFlow.js in each of its inputs `[batch, time, out_k]`. Result: `[batch, time, in of output]`.
   * @param layout layout of questions; if absent, each token sees all before it
   */
  core(outputs: readonly Tensor3D[], weights: Weights, layout?: SequenceLayout): Tensor3D;
  /** Returns the residual stream after the sub-block. y is the sub-block's output. */
  leave(h: Tensor3D, y: Tensor3D, weights: Weights): Tensor3D;
  /**
   * Returns the output with which the stream h becomes the same as another stream d with the output y, or the nearest possible if a
   * norm follows the output. Default: `y + d - h`.
   */
  compensate?(y: Tensor3D, d: Tensor3D, h: Tensor3D): Tensor3D;
  /** Only for a routed expert: returns another stream d with the routing of h, so that the same tokens of both enter. */
  routedAs?(d: Tensor3D, h: Tensor3D): Tensor3D;
}

export interface DecoderLayer {
  index: number;
  /** Every tensor of the layer, including those of the linears. */
  tensors: readonly TensorSpec[];
  /** In the order in which they run. */
  subBlocks: readonly SubBlock[];
}

/** A decoder model: data about its tensors and pure functions of tensors. Holds no weights. */
export interface DecoderModel {
  /** `model_type` of the config. */
  family: string;
  layers: number;
  hiddenSize: number;
  vocabularySize: number;
  attentionHeads: number;
  /** Whether attention caps its scores, which takes memory. */
  cappedScores?: boolean;
  intermediateSize: number;
  /** Width of the stream between the sub-blocks of a layer, relative to its width between layers; default 1. */
  streamsInLayer?: number;
  /** Only for a mixture: the number of routed experts in a layer. */
  experts?: number;
  /** The longest sequence for which positions are defined. */
  maxPositions: number;
  decoderLayer(index: number): DecoderLayer;
  /** Tensors that `embed` reads. */
  embeddingTensors: readonly TensorSpec[];
  /** ids: int32 `[batch, time]`; result: `[batch, time, hidden]`. @param layout layout of questions; if absent, positions count from 0 */
  embed(ids: Tensor2D, weights: Weights, layout?: SequenceLayout): Tensor3D;
  /** Tensors that `head` reads. */
  headTensors: readonly TensorSpec[];
  /**
   * Set if the config ties the head to the embedding: both tensors, each under its own names. A checkpoint that has both with
   * different values is not tied, whatever the config says (transformers 5, `tie_weights`).
   */
  tied?: { embedding: TensorSpec; head: TensorSpec };
  /** Final norm and language-model head. h `[batch, time, hidden]` -> logits `[batch, time, vocabulary]`. */
  head(h: Tensor3D, weights: Weights): Tensor3D;
}
