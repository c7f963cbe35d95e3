import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { findTensor, isWeightFile, openCheckpoint, readTensor, resolveTensors, storedOf, takeRows, unpackBits } from '../files/checkpoints/index.js';
import { openMaskFile, packedBytes } from '../files/masks/index.js';
import type { LinearSpec } from '../science/models/index.js';
import { detectPattern, patternText } from '../science/methods/index.js';
import { MaskFileMismatchError } from './errors.js';
import type { RunContext } from './types.js';

/** The masks of some linears, read from a file that was made elsewhere. */
export interface MaskSource {
  masks: Map<string, Uint8Array>;
  /** The weights themselves, if the source is a checkpoint. */
  values: ReadonlyMap<string, Float32Array>;
}

/**
 * Reads the masks of some linears from a file that was made elsewhere: a mask file (bits, 1 = kept), or the folder of a pruned
 * checkpoint, where a weight that is exactly zero counts as pruned.
 * @throws MaskFileMismatchError if a linear is missing or has a different number of weights there @throws MaskFileError
 */
export async function readMaskSource(source: string, linears: readonly LinearSpec[]): Promise<MaskSource> {
  return (await stat(source)).isDirectory() ? fromCheckpoint(source, linears) : { masks: await fromMaskFile(source, linears), values: new Map() };
}

/**
 * Returns the sparsity of a mask source, and the pattern that all its layers share. A stated pattern is not checked here, but
 * when each layer is read.
 * @param layers the prunable linears, layer by layer
 */
export async function describeMaskSource(
  source: string,
  layers: readonly (readonly LinearSpec[])[],
  stated: string | undefined,
): Promise<{ pattern: string; sparsity: number }> {
  let pruned = 0;
  let size = 0;
  const patterns = new Set<string>();
  for (const linears of layers) {
    const { masks } = await readMaskSource(source, linears);
    for (const mask of masks.values()) {
      size += mask.length;
      for (const kept of mask) pruned += 1 - kept;
    }
    patterns.add(patternText(detectPattern([...masks.values()], linears.map(({ shape }) => shape))));
  }
  const [first = 'unstructured'] = patterns;
  return { pattern: stated ?? (patterns.size === 1 ? first : 'unstructured'), sparsity: pruned / size };
}

/** Returns the files of a mask source: the mask file itself, or the weight files of a checkpoint. */
export async function maskSourceFiles(source: string): Promise<string[]> {
  return (await stat(source)).isDirectory() ? (await openCheckpoint(source)).weightFiles : [source];
}

/**
 * Returns what determines the masks of a source: the digest of the mask file, or the digests of a checkpoint's weight files by name.
 * @throws Error if `prepareRun` recorded none: a key without them would match any content of the source
 */
export function maskSourceDigests({ files }: RunContext, source: string): string | Record<string, string> {
  const file = files[source];
  if (file !== undefined) return file;
  const digests = Object.entries(files).filter(([path]) => dirname(path) === resolve(source) && isWeightFile(path));
  if (digests.length === 0) throw new Error(`the digests of the mask source ${source} are not known, so no result that depends on it can be stored`);
  return Object.fromEntries(digests.map(([path, digest]) => [basename(path), digest]));
}

async function fromMaskFile(source: string, linears: readonly LinearSpec[]): Promise<Map<string, Uint8Array>> {
  const file = await openMaskFile(source);
  const tensors = new Map(file.linears.map((entry) => [entry.name, entry]));
  const masks = new Map<string, Uint8Array>();
  for (const linear of linears) {
    const stored = storedOf(linear);
    const entry = findTensor({ tensors }, stored);
    const [rows, columns] = stored.shape;
    const bytes = packedBytes([rows, columns]);
    const other = entry?.shape !== undefined && entry.shape.join() !== `${rows},${columns}` ? entry.shape : undefined;
    if (entry?.bytes !== bytes || other !== undefined) {
      const found = entry === undefined ? 'is missing' : other === undefined ? `has ${entry.bytes} bytes` : `is for ${other.join(' x ')} weights`;
      throw new MaskFileMismatchError({
        where: source, what: `the mask of ${stored.name} ${found}`,
        expected: `${bytes} bytes of packed bits for its ${rows} x ${columns} weights`, remedy: 'Use a mask file that was made for this model',
      });
    }
    const mask = unpackBits(await file.readBits(entry.name), rows * columns);
    masks.set(linear.name, linear.part === undefined ? mask : takeRows(mask, linear.shape[0] * columns, columns, linear.part));
  }
  return masks;
}

async function fromCheckpoint(source: string, linears: readonly LinearSpec[]): Promise<MaskSource> {
  const tensors = resolveTensors(await openCheckpoint(source), linears);
  const masks = new Map<string, Uint8Array>();
  const values = new Map<string, Float32Array>();
  for (const [name, info] of tensors) {
    const weights = await readTensor(info);
    const mask = new Uint8Array(weights.length);
    for (let i = 0; i < mask.length; i++) mask[i] = weights[i] === 0 ? 0 : 1;
    masks.set(name, mask);
    values.set(name, weights);
  }
  return { masks, values };
}
