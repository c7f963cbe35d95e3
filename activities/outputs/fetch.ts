import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fetchOutput, type ArtifactStore } from '../../files/artifacts/index.js';
import type { PipelineResult } from '../result.js';

type Model = Pick<PipelineResult, 'checkpoint' | 'mask' | 'proof'>;

/** Returns where the outputs of a run are in its folder. */
export const outputPaths = (folder: string): Model => ({ checkpoint: join(folder, 'checkpoint'), mask: join(folder, 'mask.safetensors'), proof: join(folder, 'proof.json') });

/** Returns where the lock of a run is in its folder. */
export const lockPath = (folder: string): string => join(folder, 'pipeline.lock.yaml');

/**
 * Fetches checkpoint and mask from the store into the folder of the run's outputs, if the run wrote them on another machine and the store
 * keeps them. Files that are there are not fetched again.
 * @returns the paths here; empty if the run wrote its files here, or the store does not keep them
 */
export async function fetchModelOutputs({ checkpoint, mask, kept }: PipelineResult, folder: string, { backend }: ArtifactStore, signal?: AbortSignal): Promise<Partial<Model>> {
  const onProgress = (): void => { signal?.throwIfAborted(); };
  const here = outputPaths(folder);
  const isHere = (path: string, own: string): boolean => path === own && existsSync(own);
  const brought: Partial<Model> = {};
  if (kept?.checkpoint !== undefined && !isHere(checkpoint, here.checkpoint)) {
    await fetchOutput(backend, kept.checkpoint, here.checkpoint, { onProgress });
    brought.checkpoint = here.checkpoint;
  }
  if (kept?.mask !== undefined && !isHere(mask, here.mask)) {
    await fetchOutput(backend, kept.mask, folder, { onProgress });
    Object.assign(brought, { mask: here.mask, proof: here.proof });
  }
  return brought;
}
