import type { Tensor, Tensor2D, Tensor3D } from '../engine/index.js';

/**
 * Where a checkpoint has a tensor as some rows of a larger one: fused linears are one matrix there, and several to all that
 * works with them.
 */
export interface FusedPart {
  /** Name of the larger tensor in the checkpoint. */
  of: string;
  /** Other names under which checkpoints are known to hold it. */
  aliases?: readonly string[];
  /** Its rows. */
  rows: number;
  /** The first row of the part, how many rows follow each other, and how far it is to the next ones. */
  from: number;
  run: number;
  stride: number;
}

/** A tensor that a checkpoint must have. */
export interface TensorSpec {
  /** Name in the checkpoint; where it is a part of another one, the name that the part would have by itself. */
  name: string;
  /** Where the checkpoint has it as a part of another tensor. */
  part?: FusedPart;
  shape: readonly number[];
  /** Other names under which checkpoints are known to hold it (tied embeddings, prefixes). */
  aliases?: readonly string[];
}

/** One prunable weight matrix. */
export interface LinearSpec {
  /** Name of the weight in the checkpoint, for instance `model.layers.0.self_attn.q_proj.weight`; see {@link TensorSpec}. */
  name: string;
  /** Where the checkpoint has the weight as a part of another tensor; its bias then is the same part of that one's bias. */
  part?: FusedPart;
  /** Other names under which checkpoints are known to hold the weight. */
  aliases?: readonly string[];
  /** `[out, in]`. */
  shape: readonly [number, number];
  /** Name of the bias `[out]`, where the linear has one. */
  bias?: string;
}

/** Tensors by checkpoint name. A linear's weight is looked up under its name like any other tensor. */
export type Weights = ReadonlyMap<string, Tensor>;

/**
 * How sequences of questions are laid out: several continuations may stand side by side behind what they share. A tail sees the
 * tokens before it that are shared or of itself, at the positions that it would have alone. Only for forwards without gradients.
 */
export interface SequenceLayout {
  /** Where any sequence has tails. */
  tailed?: {
    /** Which tail a token is of, from 1; 0 where it is shared. int32 `[batch, time]` */
    tails: Tensor2D;
    /** Its position. int32 `[batch, time]`, below `time` */
    positions: Tensor2D;
  };
}

/**
 * Attention, MLP or one expert of a decoder layer, in the one shape that all decoder families share:
 * `x = enter(h)`, each of `inputs` maps x, `core` joins their outputs without prunable weights, `output` maps that back,
 * `leave` adds the residual. So dL/dY of every linear needs one crossing of `output` and the vector-Jacobian product of `core`.
 */
export interface SubBlock {
  block: 'attention' | 'mlp' | 'expert' | 'shared expert';
  /**
   * Of an expert: which one of its layer it is, from 0, and the share of the tokens that an expert reads on average. Its x and y have
   * only the tokens that are routed to it: `[batch, most, hidden]`, `most` being the largest number of any sequence of the batch, at
   * least 1. Behind fewer tokens follow rows of zeros, which add nothing to any sum over tokens.
   */
  expert?: { index: number; share: number };
  /** Linears that read x: q, k, v, or gate, up, or fc1. */
  inputs: readonly LinearSpec[];
  /** The linear that reads the core's result: o_proj, down_proj, fc2. */
  output: LinearSpec;
  /** The sub-block's input from the residual stream. h, x: `[batch, time, hidden]`. */
  enter(h: Tensor3D, weights: Weights): Tensor3D;
  /**
   * Differentiable by TensorFlow.js in each of its inputs `[batch, time, out_k]`; result `[batch, time, in of output]`.
   * @param layout of questions; each token sees all before it otherwise
   */
  core(outputs: readonly Tensor3D[], weights: Weights, layout?: SequenceLayout): Tensor3D;
  /** The residual stream after the sub-block, y being the sub-block's output. */
  leave(h: Tensor3D, y: Tensor3D, weights: Weights): Tensor3D;
  /**
   * What the output has to be for h to become what another stream d becomes with the output y; where a norm follows the output,
   * the nearest that there is. `y + d - h` where absent.
   */
  compensate?(y: Tensor3D, d: Tensor3D, h: Tensor3D): Tensor3D;
  /** Of an expert that the router chooses: another stream d with the routing of h, so that the same tokens enter of both. */
  routedAs?(d: Tensor3D, h: Tensor3D): Tensor3D;
}

export interface DecoderLayer {
  index: number;
  /** Every tensor of the layer, the linears' included. */
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
  /** Whether attention bounds its scores, which takes memory. */
  cappedScores?: boolean;
  intermediateSize: number;
  /** How many times as wide as between layers the stream is between a layer's sub-blocks; 1 where absent. */
  streamsInLayer?: number;
  /** Of a mixture: how many experts a layer has that tokens are routed to. */
  experts?: number;
  /** The longest sequence for which positions are defined. */
  maxPositions: number;
  decoderLayer(index: number): DecoderLayer;
  /** Tensors that `embed` reads. */
  embeddingTensors: readonly TensorSpec[];
  /** ids: int32 `[batch, time]`; result `[batch, time, hidden]`. @param layout of questions; positions count from 0 otherwise */
  embed(ids: Tensor2D, weights: Weights, layout?: SequenceLayout): Tensor3D;
  /** Tensors that `head` reads. */
  headTensors: readonly TensorSpec[];
  /**
   * Where the config ties the head to the embedding: both, each under the names of its own. A checkpoint that holds both with
   * different values is not tied, whatever the config says (transformers 5, `tie_weights`).
   */
  tied?: { embedding: TensorSpec; head: TensorSpec };
  /** Final norm and language-model head. h `[batch, time, hidden]` -> logits `[batch, time, vocabulary]`. */
  head(h: Tensor3D, weights: Weights): Tensor3D;
}
