import { namedRepositories } from '../app/config/index.js';
import type { NamedDataset } from '../app/config/pipeline.js';
import type { TaskSource } from '../files/datasets/task.js';
import { bytesText } from '../errors/bytes-text.js';
import { describeRepository, fetchFile, fetchModel, hubSettings, repositoryFolder, type DownloadProgress, type Repository } from '../files/hub/index.js';
import type { RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/**
 * A model as a run refers to it: its folder when the run began, and for a model of a hub its repository and revision. The digest is known once
 * the run has begun.
 */
export type ModelRef = Pick<RunContext['model'], 'source' | 'repo' | 'revision'> & Partial<Pick<RunContext['model'], 'digest'>>;

/** What a named dataset is used for. */
export type DatasetUse = 'calibration' | 'evaluation';

/**
 * Returns the folder of a run's model on this machine. A model of a hub is downloaded if it is not in the cache, because this worker
 * may not be the one that began the run.
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

/** Downloads all files of a hub's model into the cache. @returns its folder, and its commit */
export async function hubModel(request: Omit<Repository, 'type'>, bench: Workbench): Promise<{ folder: string; commit: string }> {
  const found = await fetchModel({ ...request, onProgress: reporter(bench, request.repository) });
  await checkCached(bench, { type: 'model', ...request }, 'model.source', found.folder);
  return found;
}

/** Downloads the file of a named dataset into the cache. `name` is its name in records, the same on every machine. */
export function namedFile(dataset: NamedDataset, use: DatasetUse, bench: Workbench, commit?: string): Promise<{ file: string; name: string; commit: string }> {
  const { repository, files } = namedRepositories[dataset.name];
  return datasetFile({ repository, revision: commit ?? dataset.revision }, files[use], 'dataset.name', bench);
}

/** Downloads a file of a zero-shot task's documents into the cache. `name` is its name in records, the same on every machine. */
export async function taskFile(source: TaskSource, path: string, bench: Workbench): Promise<{ file: string; name: string }> {
  const { file, name } = await datasetFile(source, path, 'zeroShot.task', bench);
  return { file, name };
}

/** @param setting of the pipeline, for the message if it may not be read */
async function datasetFile({ repository, revision }: Pick<Repository, 'repository' | 'revision'>, path: string, setting: string, bench: Workbench): Promise<{ file: string; name: string; commit: string }> {
  const request = { type: 'dataset', repository, revision } as const;
  const found = await fetchFile({ ...request, path, onProgress: reporter(bench, repository) });
  await checkCached(bench, request, setting, found.file);
  return { ...found, name: `${repository}@${found.commit}/${path}` };
}

/** In the cache, a pipeline may read only the repository that it names, and no link may lead out of it. @throws PathNotAllowedError */
async function checkCached(bench: Workbench, repository: Repository, setting: string, path: string): Promise<void> {
  await bench.allowed.alsoWithin(repositoryFolder(hubSettings().cache, repository)).check(setting, path);
}

/** The key of a named dataset at a revision, in `commits` of a run. */
export function datasetRevision({ name, revision }: NamedDataset): string {
  return describeRepository({ type: 'dataset', repository: namedRepositories[name].repository, revision });
}

/** Milliseconds between two reports on a download. */
const reportMs = 500;

/** Reports the progress of a download, at most once per {@link reportMs}. The last state is always reported. */
function reporter(bench: Workbench, repository: string): (progress: DownloadProgress) => void {
  let latest: DownloadProgress = { path: '', doneBytes: 0, totalBytes: 0 };
  let begun = { at: 0, bytes: 0 };
  let waiting: NodeJS.Timeout | undefined;
  const say = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
    const { path, doneBytes, totalBytes } = latest;
    const seconds = (performance.now() - begun.at) / 1000;
    const speed = doneBytes > begun.bytes && seconds > 0 ? `, ${bytesText((doneBytes - begun.bytes) / seconds)}/s` : '';
    bench.onProgress(`downloading ${repository}: ${path}, ${bytesText(doneBytes)} of ${bytesText(totalBytes)}${speed}`);
  };
  return (progress) => {
    const isNew = progress.path !== latest.path;
    latest = progress;
    if (isNew) begun = { at: performance.now(), bytes: progress.doneBytes };
    if (isNew || progress.doneBytes >= progress.totalBytes) say();
    else waiting ??= setTimeout(say, reportMs).unref();
  };
}
