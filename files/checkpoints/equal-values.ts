import { open, type FileHandle } from 'node:fs/promises';
import { dtypeBytes, elementCount, weightDtypes } from './dtypes.js';
import { decodeTensor, readRange, unsupportedDtype } from './read-tensor.js';
import { sameShape } from './resolve-tensors.js';
import type { TensorInfo } from './safetensors-header.js';

/** Elements compared at a time. */
const pieceElements = 1 << 24;

/**
 * Whether two tensors have the same shape and values, even if their dtypes differ. Reads both in pieces and stops at the
 * first piece that differs. NaN equals nothing, as in `torch.equal`.
 *
 * @throws UnsupportedDtypeError, TruncatedFileError
 */
export async function haveEqualValues(a: TensorInfo, b: TensorInfo): Promise<boolean> {
  if (!sameShape(a.shape, b.shape)) return false;
  const undecodable = [a, b].filter(({ dtype }) => !weightDtypes.includes(dtype));
  if (undecodable.length > 0) throw unsupportedDtype(undecodable);
  const count = elementCount(a.shape);
  const [ofA, ofB] = [await open(a.file, 'r'), await open(b.file, 'r')];
  try {
    for (let from = 0; from < count; from += pieceElements) {
      const to = Math.min(from + pieceElements, count);
      const [left, right] = await Promise.all([valuesOf(ofA, a, from, to), valuesOf(ofB, b, from, to)]);
      if (left.some((value, i) => value !== right[i])) return false;
    }
    return true;
  } finally {
    await Promise.all([ofA.close(), ofB.close()]);
  }
}

async function valuesOf({ fd }: FileHandle, info: TensorInfo, from: number, to: number): Promise<Float32Array> {
  const width = dtypeBytes(info.dtype) ?? 0;
  return decodeTensor(info, await readRange(fd, info.file, info.begin + from * width, info.begin + to * width));
}
