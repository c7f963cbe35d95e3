import { readdir, realpath } from 'node:fs/promises';
import { openCheckpoint, writePrunedCheckpoint, type Checkpoint } from '../checkpoints/index.js';
import { MaskMismatchError, OutputExistsError, UpdatedValuesError } from './errors.js';
import { nameFinder } from './layers.js';
import { openMaskFile, readPackedMask, shapeOf, type MaskEntry, type MaskFile } from './mask-file.js';
import { modelDigest } from './model-digest.js';
import { isLinear } from './prunable.js';

export interface ApplyRequest {
  /** Mask file. */
  mask: string;
  /** Folder of the dense model. */
  model: string;
  /** Folder to write. */
  target: string;
  /** Write even if the folder is not empty. */
  overwrite?: boolean;
  /** Accept a mask that was made for a model with another digest. */
  anyModel?: boolean;
  /** Apply the mask to the dense weights even if its checkpoint has updated weights. */
  denseValues?: boolean;
  onProgress?: (doneFiles: number, totalFiles: number) => void;
}

/**
 * Recreates the pruned checkpoint from a mask and the dense model. It equals that of the run that made the mask, byte for byte.
 *
 * @returns number of linears pruned
 * @throws TargetIsSourceError, OutputExistsError, UpdatedValuesError, MaskMismatchError, MaskFileError, and what
 *   `openCheckpoint` and `openMaskFile` throw
 */
export async function applyMask(request: ApplyRequest): Promise<{ linears: number }> {
  const source = await openCheckpoint(request.model);
  const mask = await openMaskFile(request.mask, source.tensors);
  if (mask.metadata.values === 'updated' && request.denseValues !== true) {
    throw new UpdatedValuesError({
      what: 'it comes from a checkpoint with updated weights (SparseGPT), which a mask alone cannot restore', where: mask.path,
      expected: 'metadata values: dense', remedy: 'Keep that checkpoint; or apply the mask to the dense weights anyway with --dense-values',
    });
  }
  const entries = linearsInModel(mask, source);
  if (request.anyModel !== true) await checkModel(mask, source);
  if (request.overwrite !== true) await checkEmpty(request.target, source.folder, ', or write into it with --overwrite');
  await writePrunedCheckpoint({
    source, target: request.target, onShard: request.onProgress,
    keptBits: async (tensor) => {
      const entry = entries.get(tensor);
      return entry === undefined ? undefined : (await readPackedMask(mask, entry)).bits;
    },
  });
  return { linears: entries.size };
}

/** The linears of a mask, by their names in the model. */
function linearsInModel(mask: MaskFile, source: Checkpoint): Map<string, MaskEntry> {
  const inModel = nameFinder(source.tensors);
  return new Map(mask.linears.map((entry) => {
    const info = inModel(entry.name);
    const remedy = 'Give the model that the mask was made for';
    if (info === undefined) {
      throw new MaskMismatchError({ what: `tensor ${entry.name} is not in the model`, where: mask.path, expected: `a linear of ${source.folder}`, remedy });
    }
    const wanted = shapeOf(mask, entry);
    if (!isLinear(info) || info.shape.join() !== wanted.join()) {
      throw new MaskMismatchError({
        what: `tensor ${info.name} is [${info.shape.join(', ')}] of ${info.dtype} in the model`, where: mask.path,
        expected: `[${wanted.join(', ')}] of F32, F16 or BF16 in ${source.folder}`, remedy,
      });
    }
    return [info.name, entry];
  }));
}

async function checkModel({ path, metadata }: MaskFile, source: Checkpoint): Promise<void> {
  if (metadata.model === undefined) return;
  const digest = await modelDigest(source);
  if (digest === metadata.model) return;
  throw new MaskMismatchError({
    what: `it was made for the model with digest ${metadata.model}`, where: path, expected: `${digest}, the digest of ${source.folder}`,
    remedy: 'Give the model that the mask was made for, in the same revision and dtype; or continue anyway with --any-model',
  });
}

/**
 * Checks that a target folder is empty or absent. Accepts the source folder, for which the writer has a better error.
 * @param otherwise another remedy, for the message
 * @param ignored a name in the folder that does not count
 * @throws OutputExistsError
 */
export async function checkEmpty(target: string, source: string | undefined, otherwise = '', ignored?: string): Promise<void> {
  const found = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = found.filter((name) => name !== ignored);
  if (names.length === 0 || (source !== undefined && (await realpath(target)) === (await realpath(source)))) return;
  throw new OutputExistsError({ what: `the folder already contains ${names.length} files`, where: target, remedy: `Choose another folder${otherwise}` });
}
