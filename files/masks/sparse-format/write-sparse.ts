import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { syncFolder, writeFileDurably } from '../../artifacts/durable-file.js';
import { companionFiles, openCheckpoint, readSafetensorsHeader, readTensorBytes, removeOtherFiles, writeSafetensors, type Checkpoint, type TensorData, type TensorInfo } from '../../checkpoints/index.js';
import { checkEmpty } from '../apply-mask.js';
import { NotSafetensorsError, SparseFormatError } from '../errors.js';
import { prunedShare } from '../facts.js';
import { weightsOf } from '../packed-mask.js';
import { prunableTensors, type LinearInfo } from '../prunable.js';
import { compressedValues, rowBits, rowOffsets, storedValuesOf, type SparseFormat } from './pack-linear.js';

export interface SparseRequest {
  /** Folder of a pruned checkpoint. */
  checkpoint: string;
  format: SparseFormat;
  /** Folder to write: new, or empty. What an interrupted call left there is replaced. */
  target: string;
  onProgress?: (doneFiles: number, totalFiles: number) => void;
}

/** A linear that is written in the sparse format. */
interface SparseLinear {
  info: LinearInfo;
  /** Offsets of the rows in stored values, and the total: rows + 1 numbers. */
  offsets: number[];
}

const configFile = 'config.json';
const indexFile = 'model.safetensors.index.json';
/** In the target, the folder of files until all are written. The target may be a mount, so it cannot be renamed itself. */
const unfinished = '.unfinished-export';

/**
 * Writes a pruned checkpoint in a sparse format of compressed-tensors (0.14 and older). Each pruned linear becomes `shape`,
 * `compressed`, `bitmask` and, for `sparse-bitmask`, `row_offsets`. All other tensors and files are copied, and `config.json`
 * names the format. Keeps one linear in memory at a time. A weight of -0 becomes +0.
 *
 * @returns number of sparse linears, and bytes of the weight files before and after
 * @throws SparseFormatError, NotSafetensorsError, OutputExistsError, NothingPrunableError, and what `openCheckpoint` throws
 */
export async function writeSparseCheckpoint({ checkpoint: folder, format, target, onProgress }: SparseRequest): Promise<{ linears: number; denseBytes: number; bytes: number }> {
  const source = await openCheckpoint(folder);
  if (source.format.kind !== 'safetensors') throw new NotSafetensorsError({ what: 'its weights are not in safetensors files', where: source.folder, expected: 'a checkpoint that a run wrote', remedy: 'Convert it to safetensors' });
  const whole = resolve(target);
  const to = join(whole, unfinished);
  const isMoving = await wasMoving(to, whole);
  if (!isMoving) await checkEmpty(whole, undefined, '', unfinished);
  const linears = await sparseLinears(source, format);
  if (!isMoving) await rm(to, { recursive: true, force: true });
  // As long as files of an interrupted call are up, `config.json` below marks them as ours.
  else if (!existsSync(join(to, configFile))) await rename(join(whole, configFile), join(to, configFile));
  await mkdir(to, { recursive: true });
  const weightMap: Record<string, string> = {};
  let [bytes, denseBytes] = [0, 0];
  for (const [done, file] of source.weightFiles.entries()) {
    const { tensors, metadata } = await readSafetensorsHeader(file);
    const written = [...tensors.values()].flatMap((info) => tensorsOf(info, linears.get(info.name), format));
    bytes += (await writeSafetensors(join(to, basename(file)), written, metadata)).bytes;
    denseBytes += (await stat(file)).size;
    for (const { name } of written) weightMap[name] = basename(file);
    onProgress?.(done + 1, source.weightFiles.length);
  }
  const files = (await companionFiles(source.folder)).filter((name) => name !== configFile && name !== indexFile);
  for (const name of files) await writeFileDurably(join(to, name), [await readFile(join(source.folder, name))]);
  const weights = source.weightFiles.map((file) => basename(file));
  if (weights.length > 1) {
    await writeJson(join(to, indexFile), { metadata: { total_size: bytes }, weight_map: weightMap });
    weights.push(indexFile);
  }
  await writeJson(join(to, configFile), { ...source.config, quantization_config: formatConfig(format, [...linears.values()]) });
  await moveUp(to, whole, [...weights, ...files, configFile]);
  return { linears: linears.size, denseBytes, bytes };
}

/**
 * Whether a call was interrupted while it moved its files up. `config.json` is written last and moved last, so it is still below, or it is
 * up and nothing is below.
 */
async function wasMoving(from: string, to: string): Promise<boolean> {
  if (existsSync(join(from, configFile))) return true;
  return existsSync(join(to, configFile)) && existsSync(from) && (await readdir(from)).length === 0;
}

/**
 * Moves files into the folder around theirs, in this order. `config.json` comes last: without it no program loads the others. Removes
 * what an interrupted call left.
 */
async function moveUp(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(from)) if (!names.includes(name)) await rm(join(from, name));
  await removeOtherFiles(to, new Set(names));
  for (const name of names) await rename(join(from, name), join(to, name));
  await rmdir(from);
  await syncFolder(to);
}

async function sparseLinears(source: Checkpoint, format: SparseFormat): Promise<Map<string, SparseLinear>> {
  const linears = new Map<string, SparseLinear>();
  // Experts that are packed into one tensor are not modules, so the formats have no names for them.
  for (const info of prunableTensors(source).filter(({ name }) => name.endsWith('.weight'))) {
    const { words, stored } = await storedValuesOf(info, 'sparse-bitmask');
    const offsets = rowOffsets({ stored }, info.shape);
    if (offsets.at(-1)! > (1 - prunedShare) * words.length) continue;
    linears.set(info.name, { info, offsets: format === 'sparse-bitmask' ? offsets : rowOffsets(await storedValuesOf(info, format), info.shape) });
  }
  if (linears.size === 0) throw new SparseFormatError({ what: 'none of its linears is pruned', where: source.folder, expected: 'a pruned checkpoint', remedy: 'Give the checkpoint of a run' });
  return linears;
}

function tensorsOf(info: TensorInfo, sparse: SparseLinear | undefined, format: SparseFormat): TensorData[] {
  if (sparse === undefined) return [{ name: info.name, dtype: info.dtype, shape: info.shape, data: () => readTensorBytes(info) }];
  const { info: linear, offsets } = sparse;
  const [rows, columns] = linear.shape;
  const path = info.name.slice(0, -'.weight'.length);
  const isPaired = format === 'sparse-24-bitmask';
  const values = async () => storedValuesOf(linear, format);
  return [
    { name: `${path}.shape`, dtype: 'I64', shape: isPaired ? [2, 1] : [2], data: int64([rows, columns]) },
    { name: `${path}.compressed`, dtype: info.dtype, shape: isPaired ? [rows, columns / 2] : [offsets.at(-1)!], data: async () => compressedValues(await values()) },
    { name: `${path}.bitmask`, dtype: 'U8', shape: [rows, Math.ceil(columns / 8)], data: async () => rowBits(await values(), linear.shape) },
    ...(isPaired ? [] : [{ name: `${path}.row_offsets`, dtype: 'I64', shape: [rows], data: int64(offsets.slice(0, rows)) }]),
  ];
}

const int64 = (values: readonly number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

/** The content of `quantization_config` in `config.json`, where compressed-tensors looks for the format. */
function formatConfig(format: SparseFormat, linears: readonly SparseLinear[]): object {
  const weights = linears.reduce((sum, { info }) => sum + weightsOf(info.shape), 0);
  const stored = linears.reduce((sum, { offsets }) => sum + offsets.at(-1)!, 0);
  return {
    quant_method: 'compressed-tensors', format: 'dense',
    sparsity_config: {
      format, global_sparsity: 1 - stored / weights, sparsity_structure: format === 'sparse-24-bitmask' ? '2:4' : 'unstructured',
      targets: linears.map(({ info }) => info.name.slice(0, -'.weight'.length)), ignore: [],
    },
  };
}

async function writeJson(path: string, value: object): Promise<void> {
  await writeFileDurably(path, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)]);
}
