import { linearsOf } from '../models/linears.js';
import type { DecoderLayer, DecoderModel, SubBlock, TensorSpec } from '../models/types.js';

/** Attention, MLP or expert of a decoder layer, in numbers of weights. */
export interface SubBlockSize {
  block: SubBlock['block'];
  /** The share of the tokens that it reads. For an expert, the average. */
  share: number;
  /** Weights of its linears. */
  linear: number;
  /** Outputs of its input linears (q, k, v, or gate, up) for one token. */
  innerWidth: number;
  /** Inputs of the output linear for one token. */
  coreWidth: number;
}

/** One decoder layer, in numbers of weights. */
export interface LayerSize {
  /** All of its tensors. */
  parameters: number;
  /** Weights of all its linears, and of the largest linear. */
  linear: number;
  largestLinear: number;
  /** Number of its linears, and of all their columns. */
  linears: number;
  columns: number;
  subBlocks: readonly SubBlockSize[];
  /** Widths of the inputs that linears read. An input that several linears read counts once. */
  inputWidths: readonly number[];
  /** For each input: the weights of the linears that read it, and the share of the tokens that they read. */
  readers: readonly number[];
  shares: readonly number[];
}

/** The sizes of a model from which memory, disk and time are computed. */
export interface ModelSize {
  layers: number;
  /** The largest layer. */
  layer: LayerSize;
  hidden: number;
  intermediate: number;
  heads: number;
  cappedScores: boolean;
  streamsInLayer: number;
  vocabulary: number;
  /** Numbers of weights: of the whole model, its linears, the embedding, the head. Tied weights count in each. */
  parameters: number;
  prunable: number;
  embedding: number;
  head: number;
  /** Weights of the model's largest tensor. */
  largestTensor: number;
  /** Bytes of a weight in the checkpoint's files. */
  bytesPerWeight: number;
  /** Bytes of the checkpoint's tensors. */
  fileBytes: number;
}

const sizeOf = ({ shape }: { shape: readonly number[] }): number => shape.reduce((product, size) => product * size, 1);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const uniqueSize = (specs: readonly TensorSpec[]): number => sum([...new Map(specs.map((spec) => [spec.name, sizeOf(spec)])).values()]);

/**
 * Returns the sizes that follow from a model's structure.
 *
 * @param files from the checkpoint's headers, or assumed if there is no checkpoint
 */
export function modelSize(model: DecoderModel, files: { bytesPerWeight: number; fileBytes?: number }): ModelSize {
  const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index));
  const specs = [...model.embeddingTensors, ...layers.flatMap(({ tensors }) => tensors), ...model.headTensors];
  const parameters = uniqueSize(specs);
  const sizes = layers.map(layerSize);
  return {
    layers: model.layers,
    layer: sizes.reduce((largest, size) => (size.parameters > largest.parameters ? size : largest)),
    hidden: model.hiddenSize,
    intermediate: model.intermediateSize,
    heads: model.attentionHeads,
    cappedScores: model.cappedScores ?? false,
    streamsInLayer: model.streamsInLayer ?? 1,
    vocabulary: model.vocabularySize,
    parameters,
    prunable: sum(sizes.map(({ linear }) => linear)),
    embedding: uniqueSize(model.embeddingTensors),
    head: uniqueSize(model.headTensors),
    largestTensor: specs.reduce((largest, spec) => Math.max(largest, sizeOf(spec)), 0),
    bytesPerWeight: files.bytesPerWeight,
    fileBytes: files.fileBytes ?? parameters * files.bytesPerWeight,
  };
}

function layerSize(layer: DecoderLayer): LayerSize {
  const linears = linearsOf(layer).map(sizeOf);
  return {
    parameters: uniqueSize(layer.tensors),
    linear: sum(linears),
    largestLinear: Math.max(...linears),
    linears: linears.length,
    columns: sum(linearsOf(layer).map(({ shape }) => shape[1])),
    subBlocks: layer.subBlocks.map((subBlock) => ({
      block: subBlock.block,
      share: shareOf(subBlock),
      linear: sum(linearsOf(subBlock).map(sizeOf)),
      innerWidth: sum(subBlock.inputs.map(({ shape }) => shape[0])),
      coreWidth: subBlock.output.shape[1],
    })),
    inputWidths: layer.subBlocks.flatMap(({ inputs, output }) => [inputs[0].shape[1], output.shape[1]]),
    readers: layer.subBlocks.flatMap(({ inputs, output }) => [sum(inputs.map(sizeOf)), sizeOf(output)]),
    shares: layer.subBlocks.flatMap((subBlock) => [shareOf(subBlock), shareOf(subBlock)]),
  };
}

function shareOf({ expert }: SubBlock): number {
  return expert?.share ?? 1;
}
