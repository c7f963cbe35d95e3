import { namedRepositories } from '../config/index.js';
import type { NamedDataset } from '../config/pipeline.js';
import { bytesText, describeRepository, fetchFile, fetchModel, hubSettings, repositoryFolder, type DownloadProgress, type Repository } from '../hub/index.js';
import type { RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/** A model as a run knows it: its folder where the run began, and, if it is from a hub, what it is there. */
export type ModelRef = Pick<RunContext['model'], 'source' | 'repo' | 'revision'>;

/** What a dataset by name is for. */
export type DatasetUse = 'calibration' | 'evaluation';

/**
 * The folder of a run's model on this machine. A model of a hub is downloaded where the cache does not have it: the worker may be
 * another one than that which began the run.
 * @throws PathNotAllowedError, and the errors of hub/
 */
export async function modelFolder({ source, repo, revision }: ModelRef, bench: Workbench): Promise<string> {
  if (repo === undefined) {
    await bench.allowed.check('model.source', source);
    return source;
  }
  const { folder } = await hubModel({ repository: repo, revision: revision ?? 'main' }, bench);
  return folder;
}

/** A model of a hub, whole, in the cache. @returns its folder, and the commit that it is of */
export async function hubModel(request: Omit<Repository, 'type'>, bench: Workbench): Promise<{ folder: string; commit: string }> {
  const found = await fetchModel({ ...request, onProgress: reporter(bench, request.repository) });
  await bench.allowed.alsoWithin(repositoryFolder(hubSettings().cache, { type: 'model', ...request })).check('model.source', found.folder);
  return found;
}

/** The file of a dataset by name, in the cache. `name` is what records call it, on every machine. */
export async function namedFile(dataset: NamedDataset, use: DatasetUse, bench: Workbench, commit?: string): Promise<{ file: string; name: string; commit: string }> {
  const { repository, files } = namedRepositories[dataset.name];
  const path = files[use];
  const request = { type: 'dataset', repository, revision: commit ?? dataset.revision } as const;
  const found = await fetchFile({ ...request, path, onProgress: reporter(bench, repository) });
  await bench.allowed.alsoWithin(repositoryFolder(hubSettings().cache, request)).check('dataset.name', found.file);
  return { ...found, name: `${repository}@${found.commit}/${path}` };
}

/** What `commits` of a run calls a dataset by name at a revision. */
export function datasetRevision({ name, revision }: NamedDataset): string {
  return describeRepository({ type: 'dataset', repository: namedRepositories[name].repository, revision });
}

/** Milliseconds between two words on a download. */
const reportMs = 500;

function reporter(bench: Workbench, repository: string): (progress: DownloadProgress) => void {
  let last = -Infinity;
  let begun: { at: number; bytes: number; path: string } | undefined;
  return ({ path, doneBytes, totalBytes }) => {
    const now = performance.now();
    if (begun?.path !== path) begun = { at: now, bytes: doneBytes, path };
    if (now - last < reportMs && doneBytes < totalBytes) return;
    last = now;
    const speed = now > begun.at ? `, ${bytesText(((doneBytes - begun.bytes) / (now - begun.at)) * 1000)}/s` : '';
    bench.onProgress(`downloading ${repository}: ${path}, ${bytesText(doneBytes)} of ${bytesText(totalBytes)}${speed}`);
  };
}
