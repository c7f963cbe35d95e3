import { list, type Checkpoint, type TensorInfo } from '../checkpoints/index.js';
import { NothingPrunableError } from './errors.js';
import { layerOf } from './layers.js';
import type { Shape } from './packed-mask.js';

/** The weight matrix of a linear. */
export type LinearInfo = TensorInfo & { shape: Shape };

/** Matrices inside a layer that are not prunable linears. */
const exempt = /embed|lm_head|norm|\bln|rotary|position|relative|bias|(^|\.)(gate|router(\.layer)?|shared_expert_gate)\.weight$/i;
const floats = new Set(['F32', 'F16', 'BF16']);

export function isLinear(info: TensorInfo): info is LinearInfo {
  return info.shape.length === 2 && floats.has(info.dtype);
}

/**
 * Finds the linears that pruning tools prune, without knowing the model family: float matrices inside a numbered layer that are not
 * embeddings, norms, biases or routers of experts. In the order of layers.
 *
 * @throws NothingPrunableError if there is none
 */
export function prunableTensors({ folder, tensors }: Checkpoint): LinearInfo[] {
  const found = [...tensors.values()].filter(isLinear).filter(({ name }) => layerOf(name) !== undefined && !exempt.test(name));
  if (found.length === 0) {
    throw new NothingPrunableError({
      what: `none of ${tensors.size} tensors is the weight matrix of a linear in a numbered layer: ${list([...tensors.keys()])}`,
      where: folder, expected: 'two-dimensional F32, F16 or BF16 tensors such as model.layers.0.mlp.up_proj.weight',
      remedy: 'Give a mask file that names the tensors, or convert quantized weights back',
    });
  }
  return sortByLayer(found);
}

/** Sorts by layer, and within a layer by name. */
export function sortByLayer<T extends { name: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (layerOf(a.name) ?? Infinity) - (layerOf(b.name) ?? Infinity) || (a.name < b.name ? -1 : 1));
}
