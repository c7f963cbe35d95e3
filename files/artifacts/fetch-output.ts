import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './durable-file.js';
import { ArtifactLostError, OutputDamagedError } from './errors.js';
import type { Manifest } from './artifact.js';
import { hashOf, sha256Of } from './file-digest.js';
import { pathBelow } from './path-below.js';
import type { ArtifactBackend } from './artifact-backend.js';

/** Suffix of a file that is not fully downloaded. */
const suffix = '.fetching';

const configFile = 'config.json';

export interface FetchOptions {
  /** Called with the number of bytes in place so far. */
  onProgress?: (bytes: number) => void;
}

/**
 * Downloads the files of an output into a folder. Files with the right digest are skipped, partial downloads are resumed, and a file
 * gets its final name only after its digest was checked. If another file of a checkpoint changes, its `config.json` is removed before and
 * fetched last: no program loads a checkpoint without it, so an interrupted download never leaves a mixture of two checkpoints.
 * @returns names of the files that were not there before
 * @throws ArtifactLostError if the store does not have the output, OutputDamagedError if its bytes have changed, and the backend's faults
 */
export async function fetchOutput(backend: ArtifactBackend, key: string, folder: string, { onProgress = () => undefined }: FetchOptions = {}): Promise<string[]> {
  const manifest = await backend.find('output', key);
  if (manifest === undefined) throw new ArtifactLostError('output', key, 'it is not in the store', backend.name);
  const brought: string[] = [];
  const names = Object.keys(manifest.files);
  let before = 0;
  for (const name of [...names.filter((one) => one !== configFile), ...names.filter((one) => one === configFile)]) {
    const start = before;
    const { bytes, sha256 } = manifest.files[name];
    const target = placeIn(folder, manifest, name);
    if (!(await isFile(target, bytes, sha256))) {
      if (brought.length === 0 && names.includes(configFile)) await rm(placeIn(folder, manifest, configFile), { force: true });
      await fetchFile(backend, manifest, name, target, (done) => { onProgress(start + done); });
      brought.push(name);
    }
    before += bytes;
  }
  return brought;
}

async function isFile(path: string, bytes: number, sha256: string): Promise<boolean> {
  return (await sizeOf(path)) === bytes && (await sha256Of(path)) === sha256;
}

/** @throws UnsafeNameError, so that a person who can write to the bucket cannot write outside the folder on this machine */
function placeIn(folder: string, { summary }: Manifest, name: string): string {
  const { [name]: path = name } = (summary as { paths?: Record<string, string> } | null)?.paths ?? {};
  return path.split('/').reduce((place, part) => pathBelow(place, part, 'name of an output'), folder);
}

async function fetchFile(backend: ArtifactBackend, manifest: Manifest, name: string, target: string, onProgress: (bytes: number) => void): Promise<void> {
  const { bytes, sha256 } = manifest.files[name];
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}${suffix}`;
  if (await isFile(partial, bytes, sha256)) {
    await rename(partial, target);
    return;
  }
  // Two attempts: if resuming gives a wrong digest, the partial file may be damaged while the store's copy is fine.
  for (const from of [await sizeOf(partial), 0]) {
    const found = await download(backend, manifest, name, partial, from !== undefined && from < bytes ? from : 0, onProgress);
    if (found === sha256) {
      await rename(partial, target);
      await syncFolder(dirname(target));
      return;
    }
    await rm(partial, { force: true });
  }
  throw new OutputDamagedError({
    where: `${name} of output ${manifest.key} in ${backend.name}`, what: 'its bytes differ from those that the run wrote (SHA-256 mismatch)',
    remedy: 'Run the pipeline again: it reuses finished work and stores its outputs again. If this happens again, check the store with `temporal-pipeline store verify`',
  });
}

/** @returns the SHA-256 of the whole file */
async function download(backend: ArtifactBackend, { kind, key }: Manifest, name: string, partial: string, from: number, onProgress: (bytes: number) => void): Promise<string> {
  const hash = from === 0 ? createHash('sha256') : await hashOf(partial);
  const content = await backend.open(kind, key, name, from);
  if (content === undefined) throw new ArtifactLostError(kind, key, `file ${name} is missing`, backend.name);
  const file = await open(partial, from === 0 ? 'w' : 'a');
  let done = from;
  try {
    for await (const piece of content) {
      hash.update(piece);
      await file.writeFile(piece);
      onProgress((done += piece.length));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size;
}
