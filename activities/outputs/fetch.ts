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
 * Fetches checkpoint and mask from the store if they are not in the folder of the run's outputs, because the run wrote them on another
 * machine, and the store keeps them.
 * @returns the paths of what was fetched
 */
export async function fetchModelOutputs({ kept }: PipelineResult, folder: string, { backend }: ArtifactStore): Promise<Partial<Model>> {
  const here = outputPaths(folder);
  const brought: Partial<Model> = {};
  if (kept?.checkpoint !== undefined && !existsSync(here.checkpoint)) {
    await fetchOutput(backend, kept.checkpoint, here.checkpoint);
    brought.checkpoint = here.checkpoint;
  }
  if (kept?.mask !== undefined && !existsSync(here.mask)) {
    await fetchOutput(backend, kept.mask, folder);
    Object.assign(brought, { mask: here.mask, proof: here.proof });
  }
  return brought;
}
