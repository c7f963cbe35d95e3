import { stat } from 'node:fs/promises';
import { openCheckpoint, readTensorBytes, type TensorInfo } from '../checkpoints/index.js';
import { MaskFileError } from './errors.js';
import { classifyWords, floatLayout, wordsOf } from './float-words.js';
import { openMaskFile, type MaskMetadata } from './mask-file.js';
import { packedBytes, weightsOf, type PackedMask, type Shape } from './packed-mask.js';
import { prunableTensors } from './prunable.js';

/** The mask of one linear. If its shape is not known, it counts as one long row. */
export interface SourceMask extends PackedMask {
  shapeKnown: boolean;
}

/** Masks from a mask file or from the zeros of a pruned checkpoint. */
export interface MaskSource {
  path: string;
  kind: 'mask' | 'checkpoint';
  metadata: MaskMetadata;
  /** Names of the linears, in the order of layers. */
  names: readonly string[];
  /** Reads the mask of a linear. */
  read(name: string): Promise<SourceMask>;
}

/**
 * Opens a mask file, or the folder of a pruned checkpoint, in which every zero weight counts as pruned.
 *
 * @param model tensors of the model, for a mask file without shapes
 * @throws MaskFileError if there is no such file; what `openMaskFile` and `openCheckpoint` throw; NothingPrunableError
 */
export async function openMaskSource(path: string, model?: ReadonlyMap<string, TensorInfo>): Promise<MaskSource> {
  return (await isFolder(path)) ? fromCheckpoint(path) : fromMaskFile(path, model);
}

/** @throws MaskFileError if there is no such file or folder */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new MaskFileError({ what: 'it cannot be opened', where: path, expected: 'a mask file or the folder of a checkpoint', remedy: 'Check the path' }, { cause: error });
  }
}

async function fromMaskFile(path: string, model: ReadonlyMap<string, TensorInfo> | undefined): Promise<MaskSource> {
  const file = await openMaskFile(path, model);
  const entries = new Map(file.linears.map((entry) => [entry.name, entry]));
  return {
    path, kind: 'mask', metadata: file.metadata, names: [...entries.keys()],
    read: async (name) => {
      const bits = await file.readBits(name);
      const stated = entries.get(name)?.shape;
      const shape: Shape = stated ?? [1, 8 * bits.length];
      if (bits.length !== packedBytes(shape)) {
        throw new MaskFileError({ what: `the mask has ${bits.length} bytes`, where: `${path}, tensor ${name}`, expected: `${packedBytes(shape)} for ${shape.join(' x ')} weights` });
      }
      return { name, shape, bits: withoutPadding(bits, shape), shapeKnown: stated !== undefined };
    },
  };
}

/** Clears the unused bits. Only `mask verify` treats them as an error. */
function withoutPadding(bits: Uint8Array, shape: Shape): Uint8Array {
  const used = weightsOf(shape) % 8;
  if (used === 0) return bits;
  const clean = bits.slice();
  clean[clean.length - 1] &= (1 << used) - 1;
  return clean;
}

async function fromCheckpoint(path: string): Promise<MaskSource> {
  const linears = new Map(prunableTensors(await openCheckpoint(path)).map((info) => [info.name, info]));
  return {
    path, kind: 'checkpoint', metadata: {}, names: [...linears.keys()],
    read: async (name) => {
      const info = linears.get(name);
      const layout = floatLayout(info?.dtype ?? '');
      if (info === undefined || layout === undefined) throw new MaskFileError({ what: `there is no linear ${name}`, where: path });
      const { nonzero } = classifyWords(wordsOf(layout, await readTensorBytes(info)), layout);
      return { name, shape: info.shape, bits: nonzero, shapeKnown: true };
    },
  };
}
