import { mkdir, open, readFile, readdir, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { removePartialFiles, syncFolder, writeFileDurably } from '../artifacts/durable-file.js';
import type { Checkpoint } from './checkpoint.js';
import { elementCount, weightDtypes } from './dtypes.js';
import { encodeTensor } from './encode.js';
import { TargetIsSourceError } from './errors.js';
import { checkBitCount } from './mask-bits.js';
import { readRange, unsupportedDtype } from './read-tensor.js';
import { readSafetensorsHeader, type TensorInfo } from './safetensors-header.js';
import { encodeHeader } from './safetensors-writer.js';
import { loadedWeights, safetensorsFormat, safetensorsName } from '../hub/weight-formats.js';

export interface PrunedCheckpointRequest {
  source: Checkpoint;
  /** Folder to write. Created if absent. */
  target: string;
  /** Returns a tensor's mask: packed bits, 1 = kept, lowest bit first, row-major; `undefined` if none of its weights are pruned. */
  keptBits: (tensorName: string) => Promise<Uint8Array | undefined>;
  /** Returns a tensor's values if its kept weights differ from the source (SparseGPT). They are written in the source's dtype. */
  values?: (tensorName: string) => Promise<Float32Array | undefined>;
  onShard?: (done: number, total: number) => void;
}

/** Bytes of weights in memory at a time. A multiple of 8 elements of any dtype, so that pieces begin at whole bytes of a mask. */
const pieceBytes = 1 << 26;

const configFile = 'config.json';
/** Small files that are copied with a model. Weights in other formats and their indexes are not. */
const companion = /\.(json|txt|md|model|jinja|tiktoken|py)$|^(licen[cs]e|notice|copying|readme|use_policy)/i;
/** Of these, the files that loaders read if they are there. */
const loadedCompanion = /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|generation_config)\.(json|txt|model|jinja)$|^(merges\.txt|spiece\.model)$/;
const foreign = /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|gguf|onnx)(\.index\.json)?$/i;

/**
 * Writes a copy of a checkpoint with the pruned weights set to +0. Everything else is the same, byte for byte: kept weights, dtypes,
 * order, metadata, index of the shards (without names that no shard has), config, tokenizer and licence files. PyTorch weight files
 * become safetensors files with the same tensors. Each file is written durably, weights first.
 * Files that already have the right content are not written again, so a repetition after a crash only costs reading. Weights and tokenizer
 * of an earlier checkpoint are removed.
 * Memory: one mask and 64 MiB of weights.
 *
 * @throws TargetIsSourceError, MaskSizeError, TruncatedFileError, UnsupportedDtypeError for a mask on weights that are not 16- or
 *   32-bit floats
 */
export async function writePrunedCheckpoint({ source, target, keptBits, values, onShard }: PrunedCheckpointRequest): Promise<void> {
  const folder = resolve(target);
  await mkdir(folder, { recursive: true });
  if ((await realpath(folder)) === (await realpath(source.folder))) {
    throw new TargetIsSourceError({
      what: 'the pruned checkpoint would replace its own source', where: folder, remedy: 'Choose another folder for the outputs',
    });
  }
  await removePartialFiles(folder);
  const total = source.weightFiles.length;
  const own = new Set<string>();
  const write = async (name: string, content: () => AsyncIterable<Uint8Array>): Promise<void> => {
    own.add(name);
    const path = join(folder, name);
    if (await hasContent(path, content())) return;
    await removeConfig(folder);
    await writeFileDurably(path, content());
  };
  for (const [done, file] of source.weightFiles.entries()) {
    await write(safetensorsName(basename(file)), () => prunedShard(source, file, keptBits, values));
    onShard?.(done + 1, total);
  }
  if (source.unfound !== undefined) await write(safetensorsFormat.index, () => indexBytes(source, source.unfound ?? []));
  const companions = await companionFiles(source.folder);
  for (const name of companions.filter((name) => name !== configFile)) await write(name, () => fileBytes(join(source.folder, name)));
  await removeOtherFiles(folder, own);
  await write(configFile, () => fileBytes(join(source.folder, configFile)));
}

/** Removes files that loaders read, such as weights and tokenizers, except `own`, and before them `config.json`. */
export async function removeOtherFiles(folder: string, own: ReadonlySet<string>): Promise<void> {
  const others = (await readdir(folder)).filter((name) => (loadedWeights.test(name) || loadedCompanion.test(name)) && !own.has(name));
  if (others.length === 0) return;
  await removeConfig(folder);
  for (const name of others) await rm(join(folder, name));
}

/** Removes `config.json`, without which no program loads the other files: they may now belong to two checkpoints. */
async function removeConfig(folder: string): Promise<void> {
  await rm(join(folder, configFile), { force: true });
  await syncFolder(folder);
}

/**
 * Names of the small files in a model folder that are copied: config, tokenizer, licence and the like.
 * An index of shards is not among them: beside a single weight file, it would make loaders look for shards.
 */
export async function companionFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    // `stat` follows links: in the Hugging Face cache, every file is a link.
    if (companion.test(name) && !foreign.test(name) && (await stat(join(folder, name))).isFile()) names.push(name);
  }
  return names;
}

/** The source's index without the names that no shard has, and with the new names of the shards. */
async function* indexBytes({ folder, format }: Checkpoint, unfound: readonly string[]): AsyncGenerator<Uint8Array> {
  const bytes = await readFile(join(folder, format.index));
  if (unfound.length === 0 && format.kind === 'safetensors') {
    yield bytes;
    return;
  }
  const index = JSON.parse(bytes.toString('utf8')) as { weight_map: Record<string, string> };
  for (const name of unfound) delete index.weight_map[name];
  for (const [name, shard] of Object.entries(index.weight_map)) index.weight_map[name] = safetensorsName(shard);
  yield Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
}

/** The bytes of a shard with its masks applied. A safetensors header is copied, because names, dtypes, shapes and offsets stay the same. */
async function* prunedShard(
  source: Checkpoint,
  file: string,
  keptBits: PrunedCheckpointRequest['keptBits'],
  values: PrunedCheckpointRequest['values'],
): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    let tensors: readonly TensorInfo[];
    if (source.format.kind === 'safetensors') {
      const header = await readSafetensorsHeader(file);
      tensors = [...header.tensors.values()];
      yield* pieces(handle, file, 0, header.dataBegin);
    } else {
      tensors = [...source.tensors.values()].filter((info) => info.file === file);
      yield encodeHeader(tensors, { format: 'pt' }, file);
    }
    for (const info of tensors) {
      const bits = await keptBits(info.name);
      if (bits === undefined) yield* pieces(handle, file, info.begin, info.end);
      else yield* prunedPieces(handle, info, bits, await values?.(info.name));
    }
  } finally {
    await handle.close();
  }
}

async function* prunedPieces(
  handle: FileHandle,
  info: TensorInfo,
  bits: Uint8Array,
  values: Float32Array | undefined,
): AsyncGenerator<Uint8Array> {
  if (!weightDtypes.includes(info.dtype)) throw unsupportedDtype([info]);
  checkBitCount(bits, elementCount(info.shape), `${info.file}, tensor ${info.name}`);
  const dtypeWidth = (info.end - info.begin) / elementCount(info.shape);
  let element = 0;
  for await (const piece of pieces(handle, info.file, info.begin, info.end)) {
    const { buffer, byteOffset, byteLength } = piece;
    if (values !== undefined) piece.set(encodeTensor(info.dtype, values.subarray(element, element + byteLength / dtypeWidth)));
    const weights = info.dtype === 'F32'
      ? new Int32Array(buffer, byteOffset, byteLength / 4)
      : new Int16Array(buffer, byteOffset, byteLength / 2);
    zeroPruned(weights, bits.subarray(element >>> 3));
    element += weights.length;
    yield piece;
  }
}

/** Sets `weights[i] = 0` where bit i is 0. Without branches, because a mask makes them unpredictable. */
function zeroPruned(weights: Int16Array | Int32Array, bits: Uint8Array): void {
  for (let i = 0; i < weights.length; i++) weights[i] &= -((bits[i >>> 3] >>> (i & 7)) & 1);
}

async function* fileBytes(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    yield* pieces(handle, file, 0, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

async function* pieces(handle: FileHandle, file: string, begin: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = begin; at < end; at += pieceBytes) yield await readRange(handle.fd, file, at, Math.min(at + pieceBytes, end));
}

async function hasContent(path: string, content: AsyncIterable<Uint8Array>): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    let at = 0;
    for await (const piece of content) {
      if (at + piece.length > size) return false;
      if (!(await readRange(handle.fd, path, at, at + piece.length)).equals(piece)) return false;
      at += piece.length;
    }
    return at === size;
  } finally {
    await handle.close();
  }
}
