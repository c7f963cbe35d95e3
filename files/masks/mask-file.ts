import { list, readSafetensorsHeader, readTensorBytes, type TensorInfo } from '../checkpoints/index.js';
import { MaskFileError, MaskShapesMissingError } from './errors.js';
import { nameFinder } from './layers.js';
import { packedBytes, type PackedMask, type Shape } from './packed-mask.js';
import { sortByLayer } from './prunable.js';

/** The one order of bits that mask files have. */
export const bitOrder = '1=kept, lowest first, row-major';

/** What the metadata of a mask file say; all of it optional in other people's files. */
export interface MaskMetadata {
  /** `unstructured` or N:M. */
  pattern?: string;
  /** Digest of the dense model, see `modelDigest`. */
  model?: string;
  /** Whether kept weights are the dense model's, or were updated by what made the mask. */
  values?: 'dense' | 'updated';
}

/** One linear of a mask file. */
export interface MaskEntry {
  name: string;
  /** Undefined where neither the file nor a model says it. */
  shape: Shape | undefined;
  /** Bytes of packed bits. */
  bytes: number;
}

export interface MaskFile {
  /** As it was given. */
  path: string;
  metadata: MaskMetadata;
  /** By layer and name. */
  linears: readonly MaskEntry[];
  /** The bits of one linear. @throws TruncatedFileError */
  readBits(name: string): Promise<Uint8Array>;
}

/**
 * Opens a mask file: reads and checks header and metadata. Shapes come from the metadata, else from `model`.
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
      expected: 'a mask file: one U8 tensor for each linear, one bit a weight',
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
      if (info === undefined) throw new MaskFileError({ what: `there is no mask of ${name}`, where: path });
      return readTensorBytes(info);
    },
  };
}

/**
 * The shape of a linear of a mask file.
 * @throws MaskShapesMissingError if it is not known
 */
export function shapeOf({ path, linears }: MaskFile, { name, shape }: MaskEntry): Shape {
  if (shape !== undefined) return shape;
  const unknown = linears.filter((linear) => linear.shape === undefined);
  throw new MaskShapesMissingError({
    what: `the shapes of ${unknown.length} of ${linears.length} linears are not known, for example of ${name}`, where: path,
    expected: 'metadata "shapes" with [out, in] for each linear', remedy: 'Give the model that the mask was made for: --model FOLDER',
  });
}

/**
 * A linear's mask, as long as its shape says.
 * @throws MaskShapesMissingError if its shape is not known @throws MaskFileError if it has too few or too many bytes
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
    throw new MaskFileError({ what: `its metadata says that bits are "${bits}"`, where, expected: `"${bitOrder}"`, remedy: 'Write the mask again in that order' });
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
      what: entries === undefined ? 'its metadata "shapes" are no JSON object' : `its metadata have no shapes for ${list(wrong.map(([name]) => name))}`,
      where, expected: 'a JSON object with [out, in] for each linear', remedy: 'Make the mask file again',
    });
  }
  return new Map(entries as [string, Shape][]);
}

function isShape(value: unknown): value is Shape {
  return Array.isArray(value) && value.length === 2 && value.every((size) => Number.isSafeInteger(size) && size > 0);
}
