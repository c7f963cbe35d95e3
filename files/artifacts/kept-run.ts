import { ArtifactLostError } from './errors.js';
import type { Manifest } from './artifact.js';
import { digestOf } from './digest.js';
import type { ArtifactBackend } from './artifact-backend.js';

/** The outputs of a run: the pruned checkpoint; the mask file with its proof; report, page, result and lock. */
export const outputParts = ['checkpoint', 'mask', 'report'] as const;
export type OutputPart = (typeof outputParts)[number];

/** Keys of the artifacts in which a store keeps the outputs of a run. */
export type KeptOutputs = Partial<Record<OutputPart, string>>;

/** A store's record of a finished run. */
export interface KeptRun {
  workflowId: string;
  /** ISO 8601. */
  endedAt: string;
  outputs: KeptOutputs;
}

/** A file that a run has written, and its digest. */
export interface KeptFile {
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * Puts one part of a run's outputs into a store. Runs with equal files share one artifact.
 * @param files by their paths in the output folder, with slashes
 * @returns the artifact's key
 * @throws the system's errors, or the bucket's faults
 */
export async function keepOutput(backend: ArtifactBackend, part: OutputPart, files: ReadonlyMap<string, KeptFile>): Promise<string> {
  const dependsOn = { part, files: Object.fromEntries([...files].map(([path, { sha256 }]) => [path, sha256])) };
  const key = digestOf({ kind: 'output', dependsOn });
  // An artifact has no subfolders.
  const flat = [...files].map(([path, file], index) => ({ name: path.includes('/') ? `file-${index}` : path, path, file }));
  const sources = new Map(flat.map(({ name, file }) => [name, file.path]));
  const manifest: Manifest = {
    kind: 'output', key, dependsOn, seconds: 0, madeAt: new Date().toISOString(),
    summary: { paths: Object.fromEntries(flat.filter(({ name, path }) => name !== path).map(({ name, path }) => [name, path])) },
    files: Object.fromEntries(flat.map(({ name, file: { bytes, sha256 } }) => [name, { bytes, sha256 }])),
  };
  const known = await backend.find('output', key);
  if (known === undefined || !(await backend.touch(known))) await backend.put(manifest, (name) => sources.get(name) ?? '');
  return key;
}

/** Records a finished run, so that its outputs can be found by its workflow id. */
export async function rememberRun(backend: ArtifactBackend, run: KeptRun): Promise<void> {
  await backend.runs.write(run.workflowId, `${JSON.stringify(run, null, 1)}\n`);
}

/** Reads the record of a run; undefined if there is none. @throws ArtifactLostError if it cannot be read */
export async function keptRun(backend: ArtifactBackend, workflowId: string): Promise<KeptRun | undefined> {
  const text = await backend.runs.read(workflowId);
  if (text === undefined) return undefined;
  try {
    const run = JSON.parse(text) as KeptRun;
    if (typeof run.outputs === 'object' && Object.values(run.outputs).every((key) => /^[0-9a-f]{64}$/.test(key))) return run;
  } catch {
    // Reported below.
  }
  throw new ArtifactLostError('output', workflowId, "the store's record of this run cannot be read", backend.name);
}

/** Keys of all outputs of finished runs in a store. @throws if a record cannot be read, because its outputs would count as unused */
export async function keptKeys(backend: ArtifactBackend): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const workflowId of backend.runs.list()) {
    const run = await keptRun(backend, workflowId);
    for (const key of Object.values(run?.outputs ?? {})) keys.add(key);
  }
  return keys;
}

/** Removes the records of runs whose outputs are all gone from the store. A record that cannot be read stays. */
export async function forgetRuns(backend: ArtifactBackend): Promise<void> {
  for await (const workflowId of backend.runs.list()) {
    const run = await keptRun(backend, workflowId).catch(() => undefined);
    if (run === undefined) continue;
    const found = await Promise.all(Object.values(run.outputs).map((key) => backend.find('output', key)));
    if (found.every((manifest) => manifest === undefined)) await backend.runs.remove(workflowId);
  }
}
