import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { decodeBF16, decodeF16 } from './decode.js';
import { weightDtypes } from './dtypes.js';
import { takeRows } from './row-runs.js';
import { TruncatedFileError, UnsupportedDtypeError } from './errors.js';
import type { TensorInfo } from './safetensors-header.js';

/** Bytes per read request. Several threads can share a tensor, and no system call refuses the size. */
const pieceBytes = 1 << 26;

const openFile = promisify(open);
const closeFile = promisify(close);

/**
 * Starts reading a byte range of an open file. All reads are handed to libuv's thread pool before this returns,
 * so that they continue while the calling thread is busy.
 *
 * @throws TruncatedFileError if the file ends first
 */
export function readRange(descriptor: number, file: string, begin: number, end: number): Promise<Buffer> {
  const target = Buffer.allocUnsafeSlow(end - begin);
  const pieces: Promise<void>[] = [];
  for (let at = 0; at < target.length; at += pieceBytes) {
    const piece = target.subarray(at, at + pieceBytes);
    pieces.push(new Promise((resolve, reject) => fillPiece(descriptor, file, piece, begin + at, resolve, reject)));
  }
  return Promise.all(pieces).then(() => target);
}

function fillPiece(
  descriptor: number, file: string, piece: Buffer, position: number, resolve: () => void, reject: (error: Error) => void,
): void {
  read(descriptor, piece, 0, piece.length, position, (error, bytesRead) => {
    if (error) reject(error);
    else if (bytesRead === piece.length) resolve();
    else if (bytesRead > 0) fillPiece(descriptor, file, piece.subarray(bytesRead), position + bytesRead, resolve, reject);
    else {
      reject(new TruncatedFileError({
        what: `the file ends at byte ${position}`, where: file, expected: `${piece.length} more bytes`,
        remedy: 'It changed since its header was read: get it again',
      }));
    }
  });
}

/** Returns the tensor's own bytes out of those in its range of the file: for a part, its rows of the larger tensor. */
export function ownBytes({ part, shape }: TensorInfo, bytes: Buffer): Buffer {
  if (part === undefined) return bytes;
  const width = bytes.length / part.rows;
  const own = takeRows<Uint8Array>(bytes, shape[0] * width, width, part);
  return Buffer.from(own.buffer, own.byteOffset, own.byteLength);
}

/**
 * Converts the bytes of a tensor to float32 values in row-major order, exactly. F32 gives a view of `bytes`, not a copy.
 *
 * @param bytes must have a `byteOffset` that is aligned for the dtype, as from `readRange`
 * @throws UnsupportedDtypeError for a dtype other than F32, F16 and BF16
 */
export function decodeTensor(info: TensorInfo, bytes: Buffer): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (info.dtype) {
    case 'F32': return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16': return decodeF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case 'BF16': return decodeBF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    default: throw unsupportedDtype([info]);
  }
}

/** The error for tensors whose dtype is not F32, F16 or BF16. */
export function unsupportedDtype(infos: readonly TensorInfo[]): UnsupportedDtypeError {
  return new UnsupportedDtypeError({
    what: `weights in ${[...new Set(infos.map((info) => info.dtype))].join(', ')} cannot be decoded`,
    where: `${infos[0].file}, tensor ${infos[0].name}`, expected: weightDtypes.join(', '),
    remedy: 'Convert the checkpoint to float16, bfloat16 or float32',
  });
}

/**
 * Reads a tensor's bytes as they are in the file, or any other range of a file.
 *
 * @throws TruncatedFileError
 */
export async function readTensorBytes(info: Pick<TensorInfo, 'file' | 'begin' | 'end'>): Promise<Buffer> {
  const descriptor = await openFile(info.file, 'r');
  try {
    return await readRange(descriptor, info.file, info.begin, info.end);
  } finally {
    await closeFile(descriptor);
  }
}

/**
 * Reads a tensor's values as float32, row-major.
 *
 * @throws TruncatedFileError, UnsupportedDtypeError
 */
export async function readTensor(info: TensorInfo): Promise<Float32Array> {
  if (!weightDtypes.includes(info.dtype)) throw unsupportedDtype([info]);
  return decodeTensor(info, ownBytes(info, await readTensorBytes(info)));
}
