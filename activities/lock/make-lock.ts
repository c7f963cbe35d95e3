import { isAbsolute } from 'node:path';
import { digestOf } from '../../files/artifacts/index.js';
import { fileForm, relativePath, withRelativePaths } from '../../app/config/index.js';
import type { Lock } from '../../app/config/lock.js';
import type { Pipeline } from '../../app/config/pipeline.js';
import { allocationMethodOf, initialMethodOf, rebuildMethodOf } from '../../science/methods/index.js';
import { numericsVersion } from '../numerics.js';
import { packageVersion } from '../package-version.js';
import type { PipelineResult } from '../result.js';
import type { RunContext } from '../types.js';

/** The part of a lock that is known before any work: everything that determines the bits. */
export type LockedInputs = Omit<Lock, 'outputs'>;

/** @param folder of the pipeline file; relative paths start there */
export function lockedInputs(pipeline: Pipeline, context: RunContext, folder: string): LockedInputs {
  const portable = withRelativePaths(fileForm(pipeline), folder);
  const { digest, repo, revision } = context.model;
  const files = Object.entries(context.files).map(([path, sha256]) => [portableName(path, folder), sha256] as const);
  return {
    version: 2,
    package: packageVersion(),
    numerics: { ...numericsVersion, ...methodVersions(pipeline) },
    pipelineDigest: digestOf(portable),
    pipeline: portable,
    model: { digest, ...(repo !== undefined && { repo }), ...(revision !== undefined && { revision }) },
    files: Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1))),
    engine: { ...context.engine },
    sequencesPerBatch: context.sequencesPerBatch,
  };
}

/** Returns the versions of the methods in use: the newest if a kind of stage uses several, 1 if it uses none. */
function methodVersions({ stages }: Pipeline): Record<'initialMask' | 'scores' | 'rebuild', number> {
  const versions = { initialMask: 1, scores: 1, rebuild: 1 };
  const use = (kind: keyof typeof versions, { version }: { version: number }): void => void (versions[kind] = Math.max(versions[kind], version));
  for (const stage of stages) {
    if (stage.type === 'initialMask') use('initialMask', initialMethodOf(stage.method));
    if (stage.type === 'initialMask' && stage.allocation !== undefined) use('scores', allocationMethodOf(stage.allocation.method));
    if (stage.type === 'rebuild') use('rebuild', rebuildMethodOf(stage.strategy));
  }
  return versions;
}

/** Returns the digests and numbers of a run's results. Chance is left out: the questions determine it, and older locks lack it. */
export function lockedOutputs({ digests, perplexity, zeroShot = {} }: Pick<PipelineResult, 'digests' | 'perplexity' | 'zeroShot'>): Lock['outputs'] {
  const scores = Object.entries(zeroShot).map(([state, tasks]) => [state, Object.fromEntries(Object.entries(tasks).map(([task, { chance: _, ...score }]) => [task, score]))]);
  return { ...digests, perplexity, ...(scores.length > 0 && { zeroShot: Object.fromEntries(scores) as object }) };
}

/** A file in a hub's cache gets the same name wherever the cache is: repository, commit and path. */
const cached = /[\\/](?:models|datasets)--([^\\/]+)[\\/]snapshots[\\/]([^\\/]+)[\\/](.+)$/;

function portableName(path: string, folder: string): string {
  // Named datasets, documents from a hub and the package's task files have such names already.
  if (!isAbsolute(path)) return path;
  const [whole, repo, commit, rest] = cached.exec(path) ?? [];
  return whole === undefined ? relativePath(path, folder) : `${repo.replaceAll('--', '/')}@${commit}/${rest.replaceAll('\\', '/')}`;
}
