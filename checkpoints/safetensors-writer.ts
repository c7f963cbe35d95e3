import { writeFileDurably } from '../artifacts/durable-file.js';
import { dtypeBytes, elementCount, knownDtypes } from './dtypes.js';
import { DuplicateNameError, TensorSizeError, UnknownDtypeError } from './errors.js';

/** A tensor to be written; `data` in row-major order, little-endian. */
export interface TensorData {
  name: string;
  dtype: string;
  shape: readonly number[];
  data: Uint8Array;
}

/**
 * Writes a safetensors file durably. Equal input gives equal bytes, in whatever order it comes:
 * tensors are ordered by element size, largest first, so that each is aligned to it, and then by name.
 *
 * @param order `given` keeps the order of `tensors` instead
 * @returns length and SHA-256 of the file
 * @throws DuplicateNameError, UnknownDtypeError, TensorSizeError
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorData>,
  metadata: Readonly<Record<string, string>> = {},
  { order = 'name' }: { order?: 'name' | 'given' } = {},
): Promise<{ bytes: number; sha256: string }> {
  const all = [...tensors];
  for (const tensor of all) checkTensor(tensor, path);
  if (order === 'name') all.sort((a, b) => elementBytes(b) - elementBytes(a) || (a.name < b.name ? -1 : 1));
  return writeFileDurably(path, [encodeHeader(all, metadata, path), ...all.map(({ data }) => data)]);
}

function encodeHeader(tensors: readonly TensorData[], metadata: Readonly<Record<string, string>>, path: string): Uint8Array {
  const header = new Map<string, unknown>();
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) header.set('__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]])));
  let begin = 0;
  for (const { name, dtype, shape, data } of tensors) {
    if (header.has(name)) {
      throw new DuplicateNameError({ what: `two tensors are named "${name}"`, where: path, remedy: 'Report this as a bug of the program' });
    }
    header.set(name, { dtype, shape, data_offsets: [begin, begin + data.byteLength] });
    begin += data.byteLength;
  }
  // Joined by hand, because objects order keys that look like numbers before the others.
  const json = Buffer.from(`{${[...header].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}

function checkTensor({ name, dtype, shape, data }: TensorData, path: string): void {
  const size = dtypeBytes(dtype);
  const where = `${path}, tensor ${name}`;
  if (size === undefined) {
    throw new UnknownDtypeError({ what: `dtype ${dtype} is not known`, where, expected: `one of ${knownDtypes.join(', ')}` });
  }
  const bytes = elementCount(shape) * size;
  if (data.byteLength !== bytes) {
    throw new TensorSizeError({
      what: `the data has ${data.byteLength} bytes`, where, expected: `${bytes} for shape [${shape.join(', ')}] in ${dtype}`,
    });
  }
}

function elementBytes({ dtype }: TensorData): number {
  return dtypeBytes(dtype) ?? 0;
}
