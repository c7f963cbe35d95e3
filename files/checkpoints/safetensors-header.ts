import { open, type FileHandle } from 'node:fs/promises';
import { dtypeBytes, elementCount, knownDtypes } from './dtypes.js';
import {
  DuplicateNameError, HeaderTooLargeError, MalformedHeaderError, OffsetRangeError, OverlappingTensorsError,
  TensorSizeError, TruncatedFileError, UnknownDtypeError, UnusedBytesError,
} from './errors.js';
import type { RowRuns } from './row-runs.js';
import { findDuplicateKey } from './duplicate-key.js';

/** One tensor of a safetensors file. */
export interface TensorInfo {
  name: string;
  /** In the spelling of the format: `F32`, `F16`, `BF16`, `U8`, ... */
  dtype: string;
  shape: readonly number[];
  /** Path of the file. */
  file: string;
  /** Byte offsets in the file, `end` exclusive. */
  begin: number;
  end: number;
  /** Set if this is a part of the tensor `name`: the rows of the part. The offsets are those of the whole tensor. */
  part?: RowRuns & { rows: number };
}

export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
  /** Byte offset in the file at which the header ends and the tensors begin. */
  dataBegin: number;
}

/** The limit of the format's own implementation. */
const maxHeaderBytes = 100_000_000;
/** The header is preceded by its length, a 64-bit integer. */
const prefixBytes = 8;
const remedy = 'The file is damaged or was written incorrectly: get or convert it again';

/**
 * Reads and checks the header of a safetensors file. Sizes are checked against the file before anything is allocated.
 * The result can be trusted: every tensor is within the file, no two overlap, and no byte is left over.
 *
 * @throws TruncatedFileError, HeaderTooLargeError, MalformedHeaderError, DuplicateNameError, UnknownDtypeError,
 *   TensorSizeError, OffsetRangeError, OverlappingTensorsError, UnusedBytesError
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const handle = await open(path, 'r');
  try {
    const fileBytes = (await handle.stat()).size;
    const text = await readHeaderText(handle, path, fileBytes);
    const dataBegin = prefixBytes + text.bytes;
    return { ...parseHeader(text.value, path, dataBegin, fileBytes), dataBegin };
  } finally {
    await handle.close();
  }
}

async function readHeaderText(handle: FileHandle, path: string, fileBytes: number): Promise<{ value: string; bytes: number }> {
  if (fileBytes < prefixBytes) {
    throw new TruncatedFileError({
      what: `the file has ${fileBytes} bytes`, where: path, expected: `at least ${prefixBytes} in a safetensors file`, remedy,
    });
  }
  const prefix = Buffer.alloc(prefixBytes);
  await readFully(handle, prefix, 0, path);
  const announced = prefix.readBigUInt64LE();
  if (announced > BigInt(maxHeaderBytes)) {
    throw new HeaderTooLargeError({
      what: `the header claims ${announced.toString()} bytes`, where: path, expected: `at most ${maxHeaderBytes}`,
      remedy: 'This is not a safetensors file, or it is damaged: get or convert it again',
    });
  }
  const bytes = Number(announced);
  if (prefixBytes + bytes > fileBytes) {
    throw new TruncatedFileError({
      what: `the header claims ${bytes} bytes, the file has ${fileBytes}`, where: path,
      expected: `at least ${prefixBytes + bytes} bytes`, remedy,
    });
  }
  const header = Buffer.alloc(bytes);
  await readFully(handle, header, prefixBytes, path);
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(header), bytes };
  } catch (error) {
    throw new MalformedHeaderError({ what: 'the header is not UTF-8 text', where: path, remedy }, { cause: error });
  }
}

async function readFully(handle: FileHandle, target: Buffer, position: number, path: string): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new TruncatedFileError({ what: 'the file became shorter while it was read', where: path, remedy });
    done += bytesRead;
  }
}

function parseHeader(
  text: string, path: string, dataBegin: number, fileBytes: number,
): { tensors: Map<string, TensorInfo>; metadata: Record<string, string> } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new MalformedHeaderError({ what: `the header is not JSON (${(error as Error).message})`, where: path, remedy }, { cause: error });
  }
  if (!isRecord(json)) throw new MalformedHeaderError({ what: 'the header is not a JSON object', where: path, remedy });
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw new DuplicateNameError({ what: `the header contains the name "${duplicate}" twice`, where: path, remedy });
  }
  const infos: TensorInfo[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') metadata = checkMetadata(entry, path);
    else infos.push(checkEntry(name, entry, path, dataBegin, fileBytes));
  }
  infos.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(infos, path, dataBegin, fileBytes);
  return { tensors: new Map(infos.map((info) => [info.name, info])), metadata };
}

function checkMetadata(entry: unknown, path: string): Record<string, string> {
  if (isRecord(entry) && Object.values(entry).every((value) => typeof value === 'string')) return entry as Record<string, string>;
  throw new MalformedHeaderError({ what: '__metadata__ is not an object of strings', where: path, remedy });
}

/** Checks one tensor by itself. */
function checkEntry(name: string, entry: unknown, path: string, dataBegin: number, fileBytes: number): TensorInfo {
  const where = `${path}, tensor ${name}`;
  if (!isRecord(entry) || typeof entry.dtype !== 'string' || !isSizes(entry.shape) || !isSizes(entry.data_offsets) || entry.data_offsets.length !== 2) {
    throw new MalformedHeaderError({
      what: `its entry is ${JSON.stringify(entry).slice(0, 200)}`, where,
      expected: 'a dtype, and a shape and two data_offsets of whole numbers of 0 or more', remedy,
    });
  }
  const { dtype, shape } = entry;
  const [from, to] = entry.data_offsets;
  const bytesPerElement = dtypeBytes(dtype);
  if (bytesPerElement === undefined) {
    throw new UnknownDtypeError({
      what: `dtype ${dtype} is not known`, where, expected: `one of ${knownDtypes.join(', ')}`,
      remedy: 'Convert the checkpoint to float16, bfloat16 or float32',
    });
  }
  const dataBytes = fileBytes - dataBegin;
  if (to < from) throw new OffsetRangeError({ what: `data_offsets [${from}, ${to}] end before they begin`, where, remedy });
  if (to > dataBytes) {
    throw new OffsetRangeError({
      what: `data_offsets [${from}, ${to}] reach beyond the ${dataBytes} bytes of tensors in the file`, where,
      remedy: 'The file is truncated or damaged: get it again',
    });
  }
  const bytes = elementCount(shape) * bytesPerElement;
  if (bytes !== to - from) {
    throw new TensorSizeError({
      what: `data_offsets [${from}, ${to}] span ${to - from} bytes`, where,
      expected: `${bytes} for shape [${shape.join(', ')}] in ${dtype}`, remedy,
    });
  }
  return { name, dtype, shape, file: path, begin: dataBegin + from, end: dataBegin + to };
}

/** Checks that tensors, ordered by offset, cover the data exactly once. */
function checkCoverage(infos: readonly TensorInfo[], path: string, dataBegin: number, fileBytes: number): void {
  let covered = dataBegin;
  let previous = 'the header';
  for (const { name, begin, end } of infos) {
    if (begin < covered) {
      throw new OverlappingTensorsError({
        what: `tensor ${name} begins at byte ${begin}, before the end of ${previous} at byte ${covered}`, where: path, remedy,
      });
    }
    if (begin > covered) {
      throw new UnusedBytesError({
        what: `${begin - covered} bytes between ${previous} and tensor ${name} belong to no tensor`, where: path, remedy,
      });
    }
    covered = end;
    previous = `tensor ${name}`;
  }
  if (covered < fileBytes) {
    throw new UnusedBytesError({ what: `${fileBytes - covered} bytes after ${previous} belong to no tensor`, where: path, remedy });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
