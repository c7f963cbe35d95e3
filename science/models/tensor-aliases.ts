import type { DecoderLayer, DecoderModel, SubBlock } from './types.js';

interface Named {
  name: string;
  aliases?: readonly string[];
}

/** Returns the same model, with other names that checkpoints use for its tensors. */
export function withAliases(model: DecoderModel, others: (name: string) => readonly string[]): DecoderModel {
  const also = <T extends Named>(spec: T): T => ({ ...spec, aliases: [...(spec.aliases ?? []), ...[spec.name, ...(spec.aliases ?? [])].flatMap(others)] });
  const subBlock = (part: SubBlock): SubBlock => ({ ...part, inputs: part.inputs.map(also), output: also(part.output) });
  const decoderLayer = (index: number): DecoderLayer => {
    const { tensors, subBlocks } = model.decoderLayer(index);
    return { index, tensors: tensors.map(also), subBlocks: subBlocks.map(subBlock) };
  };
  return {
    ...model,
    decoderLayer,
    embeddingTensors: model.embeddingTensors.map(also),
    headTensors: model.headTensors.map(also),
    ...(model.tied && { tied: { embedding: also(model.tied.embedding), head: also(model.tied.head) } }),
  };
}
