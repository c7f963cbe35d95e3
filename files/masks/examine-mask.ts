import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { digestFiles, openCheckpoint, type Checkpoint } from '../checkpoints/index.js';
import { countLinear, totalsOf, type FileFacts, type Findings, type LinearFacts, type Totals } from './facts.js';
import { openMaskFile, shapeOf, type MaskFile, type MaskMetadata } from './mask-file.js';
import { modelDigest } from './model-digest.js';
import { planLinears } from './plan-linears.js';
import { checkPadding, checkSize } from './prove-mask.js';
import { Violations } from './violations.js';

export interface MaskRequest {
  maskFile: string;
  /** Folder of the model of the mask. Gives the shapes if the mask file has none, and must match the model that it names. */
  model?: string;
  /** The pattern of every linear: `unstructured` or N:M. Default: from the metadata; otherwise detected. */
  pattern?: string;
  /** Maximum number of violations to list. */
  limit?: number;
}

export interface MaskFacts extends Totals {
  mask: FileFacts;
  metadata: MaskMetadata;
  linears: readonly LinearFacts[];
  violations: Findings;
}

/**
 * Counts a mask file and lists violations of lengths, padding bits and N:M; with a model, also of names, shapes and digest.
 *
 * @throws MaskShapesMissingError, MaskMismatchError, PatternTextError, and what `openMaskFile` and `openCheckpoint` throw
 */
export async function examineMask({ maskFile, model, pattern, limit }: MaskRequest): Promise<MaskFacts> {
  const violations = new Violations(limit);
  const source = model === undefined ? undefined : await openCheckpoint(model);
  const file = await openMaskFile(maskFile, source?.tensors);
  if (source !== undefined) {
    planLinears(source, file, violations);
    if (file.metadata.model !== undefined) checkModel(file, source, await modelDigest(source), violations);
  }
  const linears: LinearFacts[] = [];
  for (const entry of file.linears) {
    if (source !== undefined && entry.shape === undefined) continue;
    const mask = { name: entry.name, shape: shapeOf(file, entry), bits: await file.readBits(entry.name) };
    if (!checkSize(mask, violations)) continue;
    checkPadding(mask, violations);
    linears.push(countLinear(mask, { stated: pattern ?? file.metadata.pattern, strictness: 'exactly' }, violations));
  }
  return { mask: await fileFacts(maskFile), metadata: file.metadata, linears, ...totalsOf(linears), violations };
}

/** Adds a violation if the mask was made for another dense model. */
export function checkModel({ path, metadata }: MaskFile, source: Pick<Checkpoint, 'folder'>, digest: string, violations: Violations): void {
  if (metadata.model === undefined || metadata.model === digest) return;
  violations.add({
    kind: 'model', file: path, found: `the mask was made for the model with digest ${metadata.model}`,
    expected: `${digest}, the digest of ${source.folder}`,
  });
}

/** Length and SHA-256 of a file. */
export async function fileFacts(path: string): Promise<FileFacts> {
  const file = resolve(path);
  const sha256 = (await digestFiles([file])).get(file) ?? '';
  return { file, bytes: (await stat(file)).size, sha256 };
}
