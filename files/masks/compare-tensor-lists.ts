import type { Checkpoint } from '../checkpoints/index.js';
import { nameFinder } from './layers.js';
import type { Violations } from './violations.js';

/** Adds a violation for each tensor that only one of the checkpoints has, or whose shape or dtype differs. */
export function compareTensorLists(checkpoint: Checkpoint, source: Checkpoint, violations: Violations): void {
  const inSource = nameFinder(source.tensors);
  const inCheckpoint = nameFinder(checkpoint.tensors);
  for (const { name, dtype, shape } of checkpoint.tensors.values()) {
    const original = inSource(name);
    const found = `[${shape.join(', ')}] of ${dtype}`;
    if (original === undefined) {
      if (!mayBeLeftOut(name, source)) violations.add({ kind: 'tensor-unknown', tensor: name, found, expected: `no such tensor, because ${source.folder} has none` });
    } else if (original.dtype !== dtype || original.shape.join() !== shape.join()) {
      violations.add({ kind: 'shape', tensor: name, found, expected: `[${original.shape.join(', ')}] of ${original.dtype}, as in the dense model` });
    }
  }
  for (const { name } of source.tensors.values()) {
    if (inCheckpoint(name) !== undefined || mayBeLeftOut(name, checkpoint)) continue;
    violations.add({ kind: 'tensor-missing', tensor: name, file: checkpoint.folder, found: 'the dense model has it, the checkpoint does not', expected: 'all tensors of the dense model' });
  }
}

/** Whether a tensor may be missing: an output projection that is tied to the embeddings is often not stored. */
function mayBeLeftOut(name: string, { config }: Checkpoint): boolean {
  return config['tie_word_embeddings'] === true && /(^|\.)lm_head\.weight$/.test(name);
}
