/** Checkpoints that store all experts of a layer in two tensors, as transformers 5 does in memory. */
import { linearKind } from './linear-kinds.js';
import { linearsOf } from './linears.js';
import type { DecoderLayer, DecoderModel, FusedPart, LinearSpec, SubBlock, TensorSpec } from './types.js';

/** Captures `model.layers.0` and `3` of `model.layers.0.mlp.experts.3.up_proj.weight`. Mixtral has `block_sparse_moe` for `mlp`. */
const ofExpert = /^(.*)\.(?:mlp|block_sparse_moe)\.experts\.(\d+)\.\w+\.weight$/;

/**
 * Adapts a model to a checkpoint: if the checkpoint has `mlp.experts.gate_up_proj` and `mlp.experts.down_proj`, `[experts, out, in]`,
 * the linears of each expert become rows of these tensors. (Their first two dimensions are read as one.)
 *
 * @param has whether the checkpoint has a tensor with a given name
 */
export function inStoredLayout(model: DecoderModel, has: (name: string) => boolean): DecoderModel {
  const linears = Array.from({ length: model.layers }, (_, index) => linearsOf(model.decoderLayer(index))).flat();
  const expert = linears.find(({ name }) => ofExpert.test(name));
  const part = expert && partOf(expert.name, expert.shape, model);
  return part !== undefined && [part.of, ...(part.aliases ?? [])].some(has) ? withPackedExperts(model) : model;
}

function withPackedExperts(model: DecoderModel): DecoderModel {
  const packed = <T extends TensorSpec | LinearSpec>(spec: T): T => {
    const part = partOf(spec.name, spec.shape, model);
    if (part !== undefined) return { ...spec, aliases: [], part };
    // In such a checkpoint, Mixtral's router has the same name as in other families.
    const renamed = [spec.name, ...(spec.aliases ?? [])].map((name) => name.replace('.block_sparse_moe.', '.mlp.'));
    return { ...spec, aliases: [...new Set([...(spec.aliases ?? []), ...renamed])] };
  };
  const subBlock = (own: SubBlock): SubBlock => ({ ...own, inputs: own.inputs.map(packed), output: packed(own.output) });
  const decoderLayer = (index: number): DecoderLayer => {
    const { tensors, subBlocks } = model.decoderLayer(index);
    return { index, tensors: tensors.map(packed), subBlocks: subBlocks.map(subBlock) };
  };
  return { ...model, decoderLayer };
}

/** The place of an expert's linear in the packed tensors; undefined for every other tensor. */
function partOf(name: string, [run]: readonly number[], { experts = 0 }: DecoderModel): FusedPart | undefined {
  const match = ofExpert.exec(name);
  if (match === null) return undefined;
  const [, layer, expert] = match;
  const kind = linearKind(name);
  const of = `${layer}.mlp.experts.${kind === 'down' ? 'down_proj' : 'gate_up_proj'}`;
  const height = kind === 'down' ? run : 2 * run;
  const rows = experts * height;
  return { of, aliases: [of.replace(/^model\./, '')], rows, from: Number(expert) * height + (kind === 'up' ? run : 0), run, stride: rows };
}
