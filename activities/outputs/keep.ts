import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { keepOutput, outputParts, rememberRun, type ArtifactStore, type KeptFile, type KeptOutputs, type OutputPart } from '../../files/artifacts/index.js';
import { digestFiles } from '../../files/checkpoints/index.js';
import type { Outputs } from '../../app/config/pipeline.js';

/**
 * Returns which outputs of a run the store keeps. The pipeline's setting is used if there is one. By default a shared store keeps
 * everything, so that other machines can fetch it, and the state folder's own store keeps nothing.
 */
export function keptParts(asked: Outputs['keep'], store: ArtifactStore, state: string): readonly OutputPart[] {
  if (asked !== undefined) return asked;
  return store.backends.length > 1 || store.root !== join(state, 'artifacts') ? outputParts : [];
}

/**
 * Puts checkpoint, mask and proof of a run into the store.
 * @param known digests of files that have just been read, by path
 */
export async function keepModel(store: ArtifactStore, parts: readonly OutputPart[], made: { checkpoint: string; mask: string; proof: string }, known: ReadonlyMap<string, string>): Promise<KeptOutputs> {
  const { backend } = store;
  const { checkpoint, mask, proof } = made;
  return {
    ...(parts.includes('checkpoint') && { checkpoint: await keepOutput(backend, 'checkpoint', await filesOf(checkpoint, await filesIn(checkpoint), known)) }),
    ...(parts.includes('mask') && { mask: await keepOutput(backend, 'mask', await filesOf(join(mask, '..'), [mask, proof], known)) }),
  };
}

/** Puts the report of a run and all other files of its folder into the store, and records the run there. */
export async function keepReport(store: ArtifactStore, parts: readonly OutputPart[], { workflowId, folder, files, model }: { workflowId: string; folder: string; files: readonly string[]; model: KeptOutputs }): Promise<KeptOutputs> {
  const outputs: KeptOutputs = { ...model, ...(parts.includes('report') && { report: await keepOutput(store.backend, 'report', await filesOf(folder, files, new Map())) }) };
  if (Object.keys(outputs).length > 0) await rememberRun(store.backend, { workflowId, endedAt: new Date().toISOString(), outputs });
  return outputs;
}

async function filesOf(folder: string, paths: readonly string[], known: ReadonlyMap<string, string>): Promise<Map<string, KeptFile>> {
  const digests = await digestFiles(paths.filter((path) => !known.has(path)));
  const files = new Map<string, KeptFile>();
  for (const path of [...paths].sort()) {
    files.set(relative(folder, path).split(sep).join('/'), { path, bytes: (await stat(path)).size, sha256: known.get(path) ?? digests.get(path) ?? '' });
  }
  return files;
}

/** Returns all files below a folder as absolute paths, without hidden ones. A missing folder has none. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map((entry) => join(entry.parentPath, entry.name));
}
