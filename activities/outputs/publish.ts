import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ArtifactStore } from '../../files/artifacts/index.js';
import { hubSettings, publish, type Content, type Published } from '../../files/hub/index.js';
import { loadedWeights } from '../../files/hub/weight-formats.js';
import type { PublishTarget } from '../../app/config/pipeline.js';
import { OutputsElsewhereError } from '../errors.js';
import type { PipelineResult } from '../result.js';
import { fetchModelOutputs, lockPath, outputPaths } from './fetch.js';

/** The data for a model card. */
export interface CardRequest {
  result: PipelineResult;
  repository: string;
  /** The run's lock, if it wrote one. It says how the checkpoint was made. */
  lock?: { package: string; pipeline: unknown };
  /** The card of the dense model, if it has one. */
  denseCard?: string;
}

export interface PublishRunRequest {
  result: PipelineResult;
  target: PublishTarget;
  renderCard: (request: CardRequest) => string;
  onProgress?: (what: string) => void;
  signal?: AbortSignal;
}

/** The folder of the repository for mask, proof and lock. */
const pruning = 'pruning';

/**
 * Publishes the checkpoint of a run with a model card, its mask, proof and lock. The content does not depend on the time or the
 * number of runs, so publishing again gives the same files.
 * @throws OutputsElsewhereError if the checkpoint is not on this machine, and the errors of the hub
 */
export async function publishRun({ result, target, renderCard, onProgress, signal }: PublishRunRequest): Promise<Published> {
  const { checkpoint, mask, proof, lock } = result;
  if (mask === '' || !existsSync(checkpoint) || !existsSync(mask)) throw new OutputsElsewhereError(result.name, checkpoint);
  const files = new Map<string, Content>();
  let denseCard: string | undefined;
  for (const name of (await readdir(checkpoint)).sort()) {
    if (name.startsWith('.')) continue;
    if (/^readme\.md$/i.test(name)) denseCard = await readFile(join(checkpoint, name), 'utf8');
    else files.set(name, { file: join(checkpoint, name) });
  }
  if (denseCard !== undefined) files.set('DENSE_MODEL_CARD.md', { text: denseCard });
  files.set(`${pruning}/mask.safetensors`, { file: mask }).set(`${pruning}/proof.json`, { file: proof });
  if (lock !== undefined && existsSync(lock)) files.set(`${pruning}/pipeline.lock.yaml`, { file: lock });
  const made = lock !== undefined && existsSync(lock) ? (parse(await readFile(lock, 'utf8')) as CardRequest['lock']) : undefined;
  files.set('README.md', { text: renderCard({ result, repository: target.repository, ...(made && { lock: made }), ...(denseCard !== undefined && { denseCard }) }) });
  return await publish({
    ...target, files, title: `${result.name}: checkpoint, mask and model card`,
    isOutdated: (path) => loadedWeights.test(path),
    known: new Map(Object.entries(result.digests?.checkpoint ?? {}).map(([name, sha256]) => [join(checkpoint, name), sha256])),
    ...(onProgress && { onProgress }), ...(signal && { signal }),
  }, hubSettings());
}

/**
 * Like {@link publishRun}, for a run that may have written its checkpoint on another machine. Publishes only files of the run's own folder,
 * because anyone who may start workflows can name others in the result.
 * @param request its `folder` is that of the run's outputs
 */
export async function publishKept({ result, folder, ...request }: PublishRunRequest & { folder: string }, store: ArtifactStore): Promise<Published> {
  await fetchModelOutputs(result, folder, store, request.signal);
  return await publishRun({ ...request, result: inFolder(result, folder) });
}

/** Returns a result with the paths of the run's own folder, whatever paths it names. */
export function inFolder(result: PipelineResult, folder: string): PipelineResult {
  const { checkpoint, mask, proof } = outputPaths(folder);
  return { ...result, checkpoint, mask: result.mask === '' ? '' : mask, proof, ...(result.lock !== undefined && { lock: lockPath(folder) }) };
}
