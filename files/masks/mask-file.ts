import { list, readSafetensorsHeader, readTensorBytes, type TensorInfo } from '../checkpoints/index.js';
import { MaskFileError, MaskShapesMissingError } from './errors.js';
import { nameFinder } from './layers.js';
import { packedBytes, type PackedMask, type Shape } from './packed-mask.js';
import { sortByLayer } from './prunable.js';

/** The order of bits in all mask files. */
export const bitOrder = '1=kept, lowest first, row-major';

/** The metadata of a mask file. All fields are optional, because other tools may not write them. */
export interface MaskMetadata {
  /** `unstructured` or N:M. */
  pattern?: string;
  /** Digest of the dense model (`modelDigest`). */
  model?: string;
  /** Whether kept weights equal the dense model's, or were updated by the method that made the mask. */
  values?: 'dense' | 'updated';
}

/** One linear of a mask file. */
export interface MaskEntry {
  name: string;
  /** Undefined if neither the file nor a model gives it. */
  shape: Shape | undefined;
  /** Number of bytes of packed bits. */
  bytes: number;
}

export interface MaskFile {
  /** The path as given. */
  path: string;
  metadata: MaskMetadata;
  /** Sorted by layer and name. */
  linears: readonly MaskEntry[];
  /** Reads the bits of a linear. @throws TruncatedFileError */
  readBits(name: string): Promise<Uint8Array>;
}

/**
 * Opens a mask file: reads and checks its header and metadata. Shapes come from the metadata or else from `model`.
 *
 * @param model tensors of the model that the mask is for
 * @throws MaskFileError, and what `readSafetensorsHeader` throws
 */
export async function openMaskFile(path: string, model?: ReadonlyMap<string, TensorInfo>): Promise<MaskFile> {
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const wrong = [...tensors.values()].filter(({ dtype }) => dtype !== 'U8');
  if (tensors.size === 0 || wrong.length > 0) {
    throw new MaskFileError({
      what: tensors.size === 0 ? 'the file has no tensors' : `tensor ${wrong[0].name} is ${wrong[0].dtype}`, where: path,
      expected: 'a mask file: one U8 tensor for each linear, one bit per weight',
      remedy: 'For a pruned checkpoint, give its folder',
    });
  }
  const stated = statedShapes(metadata['shapes'], path);
  const inModel = nameFinder([...(model ?? [])].map(([name, info]) => [name, matrixShape(info)]));
  const linears = [...tensors.values()].map((info) => ({
    name: info.name, shape: stated.get(info.name) ?? inModel(info.name), bytes: info.end - info.begin,
  }));
  return {
    path,
    metadata: checkMetadata(metadata, path),
    linears: sortByLayer(linears),
    readBits: async (name) => {
      const info = tensors.get(name);
      if (info === undefined) throw new MaskFileError({ what: `the file has no mask for ${name}`, where: path });
      return readTensorBytes(info);
    },
  };
}

/**
 * Returns the shape of a linear in a mask file.
 * @throws MaskShapesMissingError if it is not known
 */
export function shapeOf({ path, linears }: MaskFile, { name, shape }: MaskEntry): Shape {
  if (shape !== undefined) return shape;
  const unknown = linears.filter((linear) => linear.shape === undefined);
  throw new MaskShapesMissingError({
    what: `the shapes of ${unknown.length} of ${linears.length} linears are not known, for example that of ${name}`, where: path,
    expected: 'metadata "shapes" with [out, in] for each linear', remedy: 'Give the model that the mask was made for: --model FOLDER',
  });
}

/**
 * Reads the mask of a linear and checks its length.
 * @throws MaskShapesMissingError if its shape is not known @throws MaskFileError if the number of bytes does not match the shape
 */
export async function readPackedMask(file: MaskFile, entry: MaskEntry): Promise<PackedMask> {
  const shape = shapeOf(file, entry);
  if (entry.bytes !== packedBytes(shape)) {
    throw new MaskFileError({
      what: `the mask has ${entry.bytes} bytes`, where: `${file.path}, tensor ${entry.name}`,
      expected: `${packedBytes(shape)} for ${shape.join(' x ')} weights, one bit each`, remedy: 'Use a mask that was made for this model',
    });
  }
  return { name: entry.name, shape, bits: await file.readBits(entry.name) };
}

function matrixShape({ shape }: TensorInfo): Shape | undefined {
  return shape.length === 2 ? [shape[0], shape[1]] : undefined;
}

function checkMetadata({ bits, pattern, model, values }: Record<string, string | undefined>, where: string): MaskMetadata {
  if (bits !== undefined && bits !== bitOrder) {
    throw new MaskFileError({ what: `its metadata says that bits are "${bits}"`, where, expected: `"${bitOrder}"`, remedy: 'Write the mask again with its bits in that order' });
  }
  if (values !== undefined && values !== 'dense' && values !== 'updated') {
    throw new MaskFileError({ what: `its metadata says that values are "${values}"`, where, expected: '"dense" or "updated"' });
  }
  return { pattern, model, values };
}

function statedShapes(text: string | undefined, where: string): Map<string, Shape> {
  if (text === undefined) return new Map();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const entries = typeof json === 'object' && json !== null ? Object.entries(json) : undefined;
  const wrong = entries?.filter(([, shape]) => !isShape(shape)) ?? [];
  if (entries === undefined || wrong.length > 0) {
    throw new MaskFileError({
      what: entries === undefined ? 'its metadata "shapes" is not a JSON object' : `its metadata has no valid shape for ${list(wrong.map(([name]) => name))}`,
      where, expected: 'a JSON object with [out, in] for each linear', remedy: 'Write the mask file again',
    });
  }
  return new Map(entries as [string, Shape][]);
}

function isShape(value: unknown): value is Shape {
  return Array.isArray(value) && value.length === 2 && value.every((size) => Number.isSafeInteger(size) && size > 0);
}
