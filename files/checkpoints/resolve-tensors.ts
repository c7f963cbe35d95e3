import { weightDtypes } from './dtypes.js';
import { MissingTensorError, ShapeMismatchError, list } from './errors.js';
import { unsupportedDtype } from './read-tensor.js';
import type { Checkpoint } from './checkpoint.js';
import type { RowRuns } from './row-runs.js';
import type { TensorInfo } from './safetensors-header.js';

/** A tensor that a model needs. */
export interface WantedTensor {
  name: string;
  shape: readonly number[];
  /** Other names that some checkpoints use for it. */
  aliases?: readonly string[];
  /** Set if the checkpoint stores it as rows of the larger tensor `of`, which has `rows` rows. */
  part?: RowRuns & { of: string; aliases?: readonly string[]; rows: number };
}

/**
 * Finds the tensors that a model needs, under their names or else their aliases, and checks their shapes and dtypes.
 *
 * @returns tensors by wanted name; `TensorInfo.name` is the name in the checkpoint (for a part, the name of the larger tensor)
 * @throws MissingTensorError, ShapeMismatchError, UnsupportedDtypeError, each naming all tensors concerned
 */
export function resolveTensors(checkpoint: Checkpoint, specs: readonly WantedTensor[]): Map<string, TensorInfo> {
  const found = new Map<string, TensorInfo>();
  // A set, because several parts may miss the same tensor.
  const missing = new Set<string>();
  const misshapen = new Set<string>();
  for (const spec of specs) {
    const { name, aliases, shape } = storedOf(spec);
    const info = findTensor(checkpoint, { name, aliases });
    if (info === undefined) {
      missing.add(aliases.length === 0 ? name : `${name} (or ${aliases.join(', ')})`);
    } else {
      found.set(spec.name, partOf(info, spec));
      if (!sameShape(info.shape, shape)) misshapen.add(`${info.name} has [${info.shape.join(', ')}], needs [${shape.join(', ')}]`);
    }
  }
  if (missing.size > 0) {
    const unfound = new Set(specs.filter(({ name }) => !found.has(name)).map((spec) => storedOf(spec).name));
    const indexed = [...unfound].filter((name) => checkpoint.unfound?.includes(name)).length;
    throw new MissingTensorError({
      what: `${missing.size} of ${specs.length} tensors are missing: ${list([...missing])}; the checkpoint has ${checkpoint.tensors.size}: `
        + list([...checkpoint.tensors.keys()].slice(0, 3)) + (indexed > 0 ? `; the index names ${indexed} of the missing ones, but no shard has them` : ''),
      where: checkpoint.folder, remedy: 'Check that config.json and weights belong to the same model, and that no file is missing',
    });
  }
  if (misshapen.size > 0) {
    throw new ShapeMismatchError({
      what: `${misshapen.size} of ${specs.length} tensors have a different shape than config.json implies: ${list([...misshapen])}`,
      where: checkpoint.folder, remedy: 'Check that config.json and weights belong to the same model',
    });
  }
  const undecodable = [...found.values()].filter((info) => !weightDtypes.includes(info.dtype));
  if (undecodable.length > 0) throw unsupportedDtype(undecodable);
  return found;
}

/** The tensor that the checkpoint must contain for a wanted tensor: itself, or the larger tensor that it is a part of. */
export function storedOf({ name, aliases = [], shape, part }: WantedTensor): { name: string; aliases: readonly string[]; shape: readonly number[] } {
  return part === undefined ? { name, aliases, shape } : { name: part.of, aliases: part.aliases ?? [], shape: [part.rows, ...shape.slice(1)] };
}

function partOf(info: TensorInfo, { shape, part }: WantedTensor): TensorInfo {
  if (part === undefined) return info;
  const { from, run, stride, rows } = part;
  return { ...info, shape, part: { from, run, stride, rows } };
}

/** Finds a tensor by its name or else its first alias; `undefined` if there is none. */
export function findTensor<T>({ tensors }: { tensors: ReadonlyMap<string, T> }, { name, aliases = [] }: Pick<WantedTensor, 'name' | 'aliases'>): T | undefined {
  return [name, ...aliases].map((candidate) => tensors.get(candidate)).find((candidate) => candidate !== undefined);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
