/**
 * Reads a pruned checkpoint as it lies on disk, once, and says of every tensor whether it is what it should be. Shares no code
 * with what makes masks and checkpoints. The digests are those of the very bytes that were judged.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { openCheckpoint, type Checkpoint } from '../checkpoints/index.js';
import { CheckpointScanner } from './checkpoint-scanner.js';
import { compareTensorLists } from './compare-tensor-lists.js';
import { checkModel, fileFacts } from './examine-mask.js';
import { NotSafetensorsError } from './errors.js';
import { totalsOf, type FileFacts, type Findings, type LinearFacts, type Totals } from './facts.js';
import { openMaskFile, type MaskMetadata } from './mask-file.js';
import { modelDigest } from './model-digest.js';
import { planLinears } from './plan-linears.js';
import { sortByLayer } from './prunable.js';
import { RangeReader } from './range-reader.js';
import { Violations } from './violations.js';

export interface CheckpointRequest {
  /** Folder of the pruned checkpoint. */
  checkpoint: string;
  /** Its mask. Without one, every zero counts as pruned. */
  maskFile?: string;
  /** Folder of the dense model that it was made from, to compare weights with. */
  source?: string;
  /** `modelDigest` of the source, if known; otherwise its files are read for it if the mask names a model. */
  sourceDigest?: string;
  /** What every linear must keep: `unstructured` or N:M. Otherwise what the mask's metadata say; otherwise found. */
  pattern?: string;
  /** Whether kept weights are the dense model's. Otherwise what the mask's metadata say. */
  values?: 'dense' | 'updated';
  /** Violations that are listed. */
  limit?: number;
  /** Bytes of the checkpoint's weight files done, and in all. */
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface CheckpointFacts extends Totals {
  /** Folder, absolute. */
  checkpoint: string;
  /** Weight files, `config.json` and the index of shards. */
  files: readonly FileFacts[];
  /** SHA-256 of every tensor's bytes. */
  tensors: Readonly<Record<string, string>>;
  mask?: FileFacts;
  metadata: MaskMetadata;
  /** The dense model that was compared with, absolute; and its digest if it was needed. */
  source?: { folder: string; digest?: string };
  /** What kept weights were compared with. */
  values?: 'dense' | 'updated';
  linears: readonly LinearFacts[];
  violations: Findings;
}

/**
 * Says what a pruned checkpoint is and what of it does not hold:
 * - no NaN and no infinity in any tensor of floats;
 * - with a mask: zero (of either sign) at every pruned weight; with a source too: no kept weight that became zero;
 * - N:M, padding bits and lengths of the mask; without a mask, N:M of the zeros, where a kept weight may be zero too;
 * - with a source: kept weights equal its bits (`values: dense`), and all other tensors are equal byte for byte.
 * Memory: the bits of one linear and a few pieces of 16 MiB.
 *
 * @throws NotSafetensorsError, what `openCheckpoint` and `openMaskFile` throw, NothingPrunableError, PatternTextError
 */
export async function examineCheckpoint(request: CheckpointRequest): Promise<CheckpointFacts> {
  const violations = new Violations(request.limit);
  const checkpoint = await openCheckpoint(request.checkpoint);
  if (checkpoint.format.kind !== 'safetensors') throw notScanned(checkpoint);
  const source = request.source === undefined ? undefined : await openCheckpoint(request.source);
  const mask = request.maskFile === undefined ? undefined : await openMaskFile(request.maskFile, checkpoint.tensors);
  const metadata = mask?.metadata ?? {};
  const values = request.values ?? metadata.values;
  const digest = source === undefined || metadata.model === undefined ? undefined : request.sourceDigest ?? await modelDigest(source);
  if (mask !== undefined && source !== undefined && digest !== undefined) checkModel(mask, source, digest, violations);
  const planned = planLinears(checkpoint, mask, violations);
  if (source !== undefined) compareTensorLists(checkpoint, source, violations);

  const reader = new RangeReader();
  try {
    const scanner = new CheckpointScanner({ reader, source, planned, values, violations, stated: request.pattern ?? metadata.pattern });
    const files: FileFacts[] = [];
    const tensors: Record<string, string> = {};
    const advance = progressOf(checkpoint, request.onProgress);
    for (const file of checkpoint.weightFiles) files.push(await scanner.scanFile(file, tensors, advance));
    for (const name of ['config.json', 'model.safetensors.index.json']) {
      const file = join(checkpoint.folder, name);
      if (existsSync(file)) files.push(await fileFacts(file));
    }
    const linears = sortByLayer(scanner.linears);
    return {
      checkpoint: checkpoint.folder, files, tensors, metadata, values, linears, ...totalsOf(linears),
      mask: mask === undefined ? undefined : await fileFacts(mask.path),
      source: source === undefined ? undefined : { folder: source.folder, digest },
      violations,
    };
  } finally {
    await reader.close();
  }
}

/**
 * The same, as a proof.
 * @throws MaskProofError listing tensors and positions, if anything does not hold; and what `examineCheckpoint` throws
 */
export async function proveCheckpoint(request: CheckpointRequest): Promise<CheckpointFacts> {
  const facts = await examineCheckpoint(request);
  const { count, listed } = facts.violations;
  Violations.throwIf(count, listed, resolve(request.checkpoint));
  return facts;
}

/** Files of PyTorch weights are read as a source; what is proved byte by byte is a checkpoint that was written here, or elsewhere, as safetensors. */
function notScanned({ folder, weightFiles }: Checkpoint): NotSafetensorsError {
  return new NotSafetensorsError({
    where: folder, what: `the weights are in ${basename(weightFiles[0])}`, expected: 'a checkpoint in safetensors files',
    remedy: 'Save it as safetensors with the tool that made it; or compare its masks with `mask diff`',
  });
}

function progressOf({ tensors }: Checkpoint, report: CheckpointRequest['onProgress']): (bytes: number) => void {
  const total = [...tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  let done = 0;
  return (bytes) => report?.((done += bytes), total);
}
