import { namedRepositories } from '../app/config/index.js';
import type { NamedDataset } from '../app/config/pipeline.js';
import type { TaskSource } from '../files/datasets/task.js';
import { bytesText } from '../errors/bytes-text.js';
import { describeRepository, fetchFile, fetchModel, hubSettings, repositoryFolder, type DownloadProgress, type Repository } from '../files/hub/index.js';
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
  await checkCached(bench, { type: 'model', ...request }, 'model.source', found.folder);
  return found;
}

/** The file of a dataset by name, in the cache. `name` is what records call it, on every machine. */
export function namedFile(dataset: NamedDataset, use: DatasetUse, bench: Workbench, commit?: string): Promise<{ file: string; name: string; commit: string }> {
  const { repository, files } = namedRepositories[dataset.name];
  return datasetFile({ repository, revision: commit ?? dataset.revision }, files[use], 'dataset.name', bench);
}

/** A file of a zero-shot task's documents, in the cache. `name` is what records call it, on every machine. */
export async function taskFile(source: TaskSource, path: string, bench: Workbench): Promise<{ file: string; name: string }> {
  const { file, name } = await datasetFile(source, path, 'zeroShot.task', bench);
  return { file, name };
}

/** @param setting of the pipeline, for who may not read it */
async function datasetFile({ repository, revision }: Pick<Repository, 'repository' | 'revision'>, path: string, setting: string, bench: Workbench): Promise<{ file: string; name: string; commit: string }> {
  const request = { type: 'dataset', repository, revision } as const;
  const found = await fetchFile({ ...request, path, onProgress: reporter(bench, repository) });
  await checkCached(bench, request, setting, found.file);
  return { ...found, name: `${repository}@${found.commit}/${path}` };
}

/** A pipeline may read of the cache what it names, and no link may lead out of that. @throws PathNotAllowedError */
async function checkCached(bench: Workbench, repository: Repository, setting: string, path: string): Promise<void> {
  await bench.allowed.alsoWithin(repositoryFolder(hubSettings().cache, repository)).check(setting, path);
}

/** What `commits` of a run calls a dataset by name at a revision. */
export function datasetRevision({ name, revision }: NamedDataset): string {
  return describeRepository({ type: 'dataset', repository: namedRepositories[name].repository, revision });
}

/** Milliseconds between two words on a download. */
const reportMs = 500;

/** Says how far a download is, at most so often; what came last is always said. */
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
