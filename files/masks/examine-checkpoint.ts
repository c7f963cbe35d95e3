/**
 * Reads a pruned checkpoint from disk, once, and checks every tensor. Shares no code with the making of masks and checkpoints.
 * The digests are those of the same bytes that were checked.
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
  /** Folder of its dense model, to compare weights with. */
  source?: string;
  /** `modelDigest` of the source, if known; otherwise computed from its files if the mask names a model. */
  sourceDigest?: string;
  /** The pattern of every linear: `unstructured` or N:M. Default: from the mask's metadata; otherwise detected. */
  pattern?: string;
  /** Whether kept weights equal the dense model's (`dense`). Default: from the mask's metadata. */
  values?: 'dense' | 'updated';
  /** Maximum number of violations to list. */
  limit?: number;
  /** Called with the bytes of the weight files processed so far, and the total. */
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface CheckpointFacts extends Totals {
  /** Absolute path of the folder. */
  checkpoint: string;
  /** Weight files, `config.json` and the index of shards. */
  files: readonly FileFacts[];
  /** SHA-256 of every tensor's bytes. */
  tensors: Readonly<Record<string, string>>;
  mask?: FileFacts;
  metadata: MaskMetadata;
  /** The dense model for comparison (absolute path), and its digest if it was needed. */
  source?: { folder: string; digest?: string };
  /** Whether kept weights had to equal the dense model's. */
  values?: 'dense' | 'updated';
  linears: readonly LinearFacts[];
  violations: Findings;
}

/**
 * Counts a pruned checkpoint and lists everything that violates these rules:
 * - no tensor of floats contains NaN or infinity;
 * - with a mask: every pruned weight is zero (of either sign); with a source too: no kept weight has become zero;
 * - the mask has the right N:M, padding bits and length; without a mask, the zeros have the right N:M (a kept weight may be zero too);
 * - with a source: kept weights equal the source's to the bit (`values: dense`), and all other tensors are equal byte for byte.
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
 * Like {@link examineCheckpoint}, but throws if there is a violation.
 * @throws MaskProofError with tensors and positions; and what `examineCheckpoint` throws
 */
export async function proveCheckpoint(request: CheckpointRequest): Promise<CheckpointFacts> {
  const facts = await examineCheckpoint(request);
  const { count, listed } = facts.violations;
  Violations.throwIf(count, listed, resolve(request.checkpoint));
  return facts;
}

/** The error for PyTorch weight files. They can be a source, but only safetensors can be checked byte by byte. */
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
