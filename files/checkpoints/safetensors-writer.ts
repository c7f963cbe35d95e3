import { writeFileDurably } from '../artifacts/durable-file.js';
import { dtypeBytes, elementCount, knownDtypes } from './dtypes.js';
import { DuplicateNameError, TensorSizeError, UnknownDtypeError } from './errors.js';

/** The description of a tensor in the header. */
export interface TensorSpec {
  name: string;
  dtype: string;
  shape: readonly number[];
}

/** A tensor to be written. */
export interface TensorData extends TensorSpec {
  /** Row-major, little-endian. A function is called only when its tensor is written, so that not all tensors are in memory at once. */
  data: Uint8Array | (() => Promise<Uint8Array>);
}

/**
 * Writes a safetensors file durably. Equal tensors give equal bytes, whatever their order:
 * they are sorted by element size, largest first, so that each is aligned, and then by name.
 *
 * @param order `given` keeps the order of `tensors` instead
 * @returns length and SHA-256 of the file
 * @throws DuplicateNameError, UnknownDtypeError, TensorSizeError, and what a tensor's function throws
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorData>,
  metadata: Readonly<Record<string, string>> = {},
  { order = 'name' }: { order?: 'name' | 'given' } = {},
): Promise<{ bytes: number; sha256: string }> {
  const all = [...tensors];
  for (const tensor of all) {
    const bytes = tensorBytes(tensor, path);
    if (typeof tensor.data !== 'function') checkSize(tensor, tensor.data, bytes, path);
  }
  if (order === 'name') all.sort((a, b) => elementBytes(b) - elementBytes(a) || (a.name < b.name ? -1 : 1));
  return writeFileDurably(path, content(all, metadata, path));
}

async function* content(tensors: readonly TensorData[], metadata: Readonly<Record<string, string>>, path: string): AsyncGenerator<Uint8Array> {
  yield encodeHeader(tensors, metadata, path);
  for (const tensor of tensors) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
    checkSize(tensor, data, tensorBytes(tensor, path), path);
    yield data;
  }
}

/** Encodes the header of a safetensors file with the tensors in the given order. @throws DuplicateNameError, UnknownDtypeError */
export function encodeHeader(tensors: readonly TensorSpec[], metadata: Readonly<Record<string, string>>, path: string): Uint8Array {
  const header = new Map<string, unknown>();
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) header.set('__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]])));
  let begin = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    if (header.has(name)) {
      throw new DuplicateNameError({ what: `two tensors are named "${name}"`, where: path, remedy: 'Report this as a bug' });
    }
    const end = begin + tensorBytes(tensor, path);
    header.set(name, { dtype, shape, data_offsets: [begin, end] });
    begin = end;
  }
  // Joined by hand, because objects put keys that look like numbers first.
  const json = Buffer.from(`{${[...header].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}

/** Number of bytes of a tensor's data. @throws UnknownDtypeError */
function tensorBytes({ name, dtype, shape }: TensorSpec, path: string): number {
  const size = dtypeBytes(dtype);
  if (size === undefined) {
    throw new UnknownDtypeError({ what: `dtype ${dtype} is not known`, where: `${path}, tensor ${name}`, expected: `one of ${knownDtypes.join(', ')}` });
  }
  return elementCount(shape) * size;
}

function checkSize({ name, dtype, shape }: TensorData, data: Uint8Array, bytes: number, path: string): void {
  if (data.byteLength === bytes) return;
  throw new TensorSizeError({
    what: `the data has ${data.byteLength} bytes`, where: `${path}, tensor ${name}`, expected: `${bytes} for shape [${shape.join(', ')}] in ${dtype}`,
  });
}

function elementBytes({ dtype }: TensorData): number {
  return dtypeBytes(dtype) ?? 0;
}
