import { mkdir, readFile } from 'node:fs/promises';
import { cachedFile, isKnownMissing, rememberMissing, type Pinned } from './cached.js';
import { checkSpace, type DownloadProgress } from './download-blob.js';
import { NoModelError, PickleRepositoryError } from './errors.js';
import { blobPath, fetchListed } from './fetch-file.js';
import { notInCache, pin, remoteFiles, type RemoteFile } from './list-files.js';
import { presentBytes } from './partial-file.js';
import { describeRepository, repositoryFolder, snapshotFolder, type Repository } from './repository.js';
import { hubSettings, type HubSettings } from './settings.js';
import { otherPickles, weightFormats, type WeightFormat } from './weight-formats.js';

const config = 'config.json';
/** A model may have a different tokenizer without these files. If a repository lacks one of them, the cache records it. */
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'];
/** Small files that are downloaded with a model. Code is not. */
const companion = /^[^/]+\.(json|txt|model|jinja|tiktoken)$|^(licen[cs]e|notice|use_policy)[^/]*$/i;
const otherWeights = /\.(bin|pt|pth|ckpt|h5|msgpack|gguf|onnx|safetensors)(\.index\.json)?$/i;

export interface FetchModelRequest extends Omit<Repository, 'type'> {
  onProgress?: (progress: DownloadProgress) => void;
}

/**
 * Downloads a model into the cache: config, weights (safetensors or else PyTorch; with an index, the files that it names), tokenizer and
 * licence files. If the revision is a commit and the cache has the whole model, there is no request.
 * @returns the snapshot's folder and its commit
 * @throws PickleRepositoryError, NoModelError, NotInCacheError, and the errors of `fetchFile`
 */
export async function fetchModel({ onProgress, ...request }: FetchModelRequest, settings: HubSettings = hubSettings()): Promise<{ folder: string; commit: string }> {
  const repository = { type: 'model', ...request } as const;
  const pinned = await pin(repository, settings);
  const { commit } = pinned;
  const folder = snapshotFolder(settings.cache, pinned, commit);
  const missing = await missingFiles(pinned, settings);
  if (missing.length === 0) return { folder, commit };
  if (settings.offline) {
    // A model without a tokenizer can still be pruned by magnitude.
    const needed = missing.filter((name) => !tokenizerFiles.includes(name));
    if (needed.length > 0) throw notInCache({ ...repository, revision: commit }, needed.join(', '));
    return { folder, commit };
  }
  const files = await remoteFiles(pinned, settings);
  const fetch = (file: RemoteFile): Promise<string> => fetchListed(pinned, file, settings, onProgress);
  const wanted = await wantedFiles(pinned, files, fetch);
  await checkAllFit(pinned, wanted, settings);
  for (const file of wanted) await fetch(file);
  for (const name of tokenizerFiles) if (!files.some(({ path }) => path === name)) await rememberMissing(settings.cache, pinned, name);
  return { folder, commit };
}

/** Checks the disk space for all files, so that an error comes before the first shard and not at the last. @throws CacheFullError */
async function checkAllFit(pinned: Pinned, files: readonly RemoteFile[], settings: HubSettings): Promise<void> {
  let missing = 0;
  for (const file of files) missing += Math.max(0, file.size - (await presentBytes(blobPath(pinned, file, settings))));
  const folder = repositoryFolder(settings.cache, pinned);
  await mkdir(folder, { recursive: true });
  await checkSpace(folder, missing);
}

/** Downloads only the config of a model, for callers that only need its size. @returns its folder and its commit */
export async function fetchModelConfig(request: Omit<Repository, 'type'>, settings: HubSettings = hubSettings()): Promise<{ folder: string; commit: string }> {
  const repository = { type: 'model', ...request } as const;
  const pinned = await pin(repository, settings);
  const { commit } = pinned;
  if ((await cachedFile(settings.cache, pinned, config)) === undefined) {
    if (settings.offline) throw notInCache({ ...repository, revision: commit }, config);
    const file = (await remoteFiles(pinned, settings)).find(({ path }) => path === config);
    if (file === undefined) throw noConfig(pinned);
    await fetchListed(pinned, file, settings);
  }
  return { folder: snapshotFolder(settings.cache, pinned, commit), commit };
}

/** Names of the model's files that are missing in the cache. If it has no weights and no index, a description of the weights. */
async function missingFiles(pinned: Pinned, { cache }: HubSettings): Promise<string[]> {
  const missing: string[] = [];
  const isThere = async (path: string): Promise<boolean> => (await cachedFile(cache, pinned, path)) !== undefined;
  if (!(await isThere(config))) missing.push(config);
  for (const name of tokenizerFiles) if (!(await isThere(name)) && !(await isKnownMissing(cache, pinned, name))) missing.push(name);
  for (const format of weightFormats) {
    if (await isThere(format.single)) return missing;
    const index = await cachedFile(cache, pinned, format.index);
    if (index === undefined) continue;
    for (const shard of shardsOf(await readFile(index, 'utf8'), format, pinned)) if (!(await isThere(shard))) missing.push(shard);
    return missing;
  }
  return [...missing, expectedWeights];
}

/** The files to download. Small files come first, so that their errors appear before gigabytes are downloaded. */
async function wantedFiles(pinned: Pinned, files: readonly RemoteFile[], fetch: (file: RemoteFile) => Promise<string>): Promise<RemoteFile[]> {
  const find = (name: string): RemoteFile | undefined => files.find(({ path }) => path === name);
  const format = weightFormats.find(({ single, index }) => find(single) !== undefined || find(index) !== undefined);
  if (format === undefined) throw noWeights(pinned, files.map(({ path }) => path));
  if (find(config) === undefined) throw noConfig(pinned);
  const companions = files.filter(({ path }) => companion.test(path) && !otherWeights.test(path));
  const single = find(format.single);
  if (single !== undefined) return [...companions, single];
  const index = find(format.index) as RemoteFile;
  const shards = shardsOf(await readFile(await fetch(index), 'utf8'), format, pinned).map((name) => {
    const shard = find(name);
    if (shard !== undefined) return shard;
    throw new NoModelError({ where: where(pinned), what: `${format.index} names ${name}, which the repository does not have`, remedy: 'Choose another revision' });
  });
  return [...companions, ...shards];
}

function shardsOf(text: string, { index, extension }: WeightFormat, pinned: Pinned): string[] {
  const wrong = (): NoModelError => new NoModelError({ where: where(pinned), what: `${index} does not say which files the weights are in`, remedy: 'Choose another revision; if it is damaged in the cache, remove it there' });
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown }).weight_map;
  } catch {
    throw wrong();
  }
  if (typeof map !== 'object' || map === null) throw wrong();
  const names = [...new Set(Object.values(map as Record<string, unknown>))].sort();
  if (!names.every((name) => typeof name === 'string' && /^[^/\\:]+$/.test(name) && name.endsWith(extension))) throw wrong();
  return names as string[];
}

function where({ commit, ...repository }: Pinned): string {
  return describeRepository({ ...repository, revision: commit });
}

function noConfig(pinned: Pinned): NoModelError {
  return new NoModelError({ where: where(pinned), what: `the repository has no ${config}`, expected: "a transformers model's repository", remedy: 'Correct model.source' });
}

const expectedWeights = weightFormats.map(({ single, index }) => `${single}, or shards with ${index}`).join('; or ');

function noWeights(pinned: Pinned, paths: readonly string[]): NoModelError | PickleRepositoryError {
  const pickles = paths.filter((path) => otherPickles.test(path));
  const shown = (names: readonly string[]): string => (names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', '));
  if (pickles.length === 0) {
    return new NoModelError({
      where: where(pinned), what: `the repository has no weights${paths.length === 0 ? '' : `; found: ${shown(paths)}`}`, expected: expectedWeights,
      remedy: 'Choose another repository or revision; GGUF, ONNX, TensorFlow and Flax files cannot be pruned',
    });
  }
  return new PickleRepositoryError({
    where: where(pinned), what: `the weights are in files of a kind that is not supported (${shown(pickles)})`, expected: expectedWeights,
    remedy: 'Choose a revision with safetensors (pull requests of the hub\'s converter are `refs/pr/N`), or convert them where you trust them and name that folder: '
      + `python -c "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; n='${pinned.repository}'; M.from_pretrained(n, torch_dtype='auto').save_pretrained('model'); T.from_pretrained(n).save_pretrained('model')"`,
  });
}
