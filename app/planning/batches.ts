import type { Pipeline, Stage } from '../config/pipeline.js';
import { pairsOfBlocks } from '../../science/models/attention-blocks.js';
import type { DecoderModel } from '../../science/models/index.js';

/** The stages of one type. */
export function stagesOf<T extends Stage['type']>(pipeline: Pipeline, type: T): Extract<Stage, { type: T }>[] {
  return pipeline.stages.filter((stage): stage is Extract<Stage, { type: T }> => stage.type === type);
}

/** Bytes that one batch of sequences may take inside a decoder layer. A constant, so that equal runs have equal batches. */
const batchBytes = 768 * 2 ** 20;

/**
 * Number of sequences that go through a layer together: as many as fit into {@link batchBytes} with the attention scores of a block of
 * queries and their activations. It depends only on the pipeline and the model, never on free memory.
 */
export function sequencesPerBatch(pipeline: Pipeline, model: LayerWidths): number {
  const lengths = [
    ...stagesOf(pipeline, 'calibration').map((stage) => stage.sequenceLength),
    ...stagesOf(pipeline, 'evaluation').flatMap((stage) => stage.perplexity.map((task) => task.sequenceLength)),
  ];
  const time = Math.max(1, ...lengths);
  return Math.max(1, Math.min(64, Math.floor(batchBytes / (4 * sequenceNumbers(model, time)))));
}

type LayerWidths = Pick<DecoderModel, 'attentionHeads' | 'hiddenSize' | 'intermediateSize'>;

/**
 * Numbers that a sequence of `time` tokens takes inside a decoder layer: attention scores of a block of queries (about four times) and
 * activations.
 */
export function sequenceNumbers({ attentionHeads, hiddenSize, intermediateSize }: LayerWidths, time: number): number {
  return 4 * attentionHeads * pairsOfBlocks(time).largest + time * (12 * hiddenSize + 8 * intermediateSize);
}

/** Bytes that a batch of zero-shot questions may take inside a decoder layer, which only runs forward. */
const questionBytes = 256 * 2 ** 20;

/**
 * Maximum number of sequences of zero-shot questions, of `time` tokens each, that go through a layer together. It depends only on the
 * model.
 */
export function questionsPerBatch(model: LayerWidths, time: number): number {
  return Math.max(1, Math.min(256, Math.floor(questionBytes / (4 * sequenceNumbers(model, time)))));
}
