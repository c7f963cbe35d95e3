/** A lock: everything that determines a run's bits, and digests of its outputs. Mirrors `schemas/lock.schema.json`. */
import type { ModelState } from './pipeline.js';

export interface Lock {
  /** Version 1 was written before engines named their kernels; {@link loadLock} refuses it. */
  version: 1 | 2;
  /** Version of this package. */
  package: string;
  /** Versions of the stages' numerics. */
  numerics: Record<string, number>;
  /** SHA-256 of `pipeline` below. */
  pipelineDigest: string;
  /** The resolved pipeline in the syntax of its file, paths relative to the file's folder. */
  pipeline: unknown;
  model: {
    /** Digest of config.json and of the weight files. */
    digest: string;
    /** For a model from a hub. */
    repo?: string;
    revision?: string;
  };
  /** SHA-256 of the other files that were read (texts, tokenizer, masks), by their paths in `pipeline`. */
  files: Record<string, string>;
  engine: { backend: 'tensorflow' | 'wasm'; version: string; device: string; kernels?: string; threads: number; precision?: 'tf32' | 'bfloat16' };
  sequencesPerBatch: number;
  outputs: {
    /** SHA-256 of the mask file; absent if nothing is pruned. */
    mask?: string;
    /** SHA-256 of the checkpoint's weight files, by name. */
    checkpoint?: Record<string, string>;
    perplexity: Partial<Record<ModelState, Record<string, number>>>;
    zeroShot?: unknown;
  };
}
