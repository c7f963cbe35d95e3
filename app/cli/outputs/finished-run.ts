import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openStore, type OutputPart } from '../../../files/artifacts/index.js';
import { findFinished, type FinishedRun } from '../compare/find-finished.js';
import { CommandLineError } from '../errors.js';
import type { GlobalOptions } from '../options.js';
import { fetchRun } from './fetch-run.js';
import { findKept } from './find-kept.js';

/**
 * Returns the finished run that a word on the command line refers to. If it is not on this machine, fetches it from the store into the
 * state folder.
 * @param parts the outputs that must be on this machine
 * @throws CommandLineError if neither has the run, and the errors of {@link findFinished}, {@link findKept} and {@link fetchRun}
 */
export async function finishedRun(word: string, options: GlobalOptions, parts: readonly OutputPart[]): Promise<FinishedRun> {
  const local = await findFinished(word, options).catch((error: unknown) => {
    if (error instanceof CommandLineError) return undefined;
    throw error;
  });
  const isHere = local !== undefined && (!parts.includes('checkpoint') || existsSync(local.result.checkpoint)) && (!parts.includes('mask') || existsSync(local.result.mask));
  if (isHere) return local;
  const { backend } = await openStore(options.state, options.store);
  const run = await findKept(backend, word, options);
  const folder = local?.folder ?? join(options.state, 'runs', run.workflowId);
  await fetchRun(backend, run, folder, [...new Set<OutputPart>([...parts, 'report'])]);
  return await findFinished(folder, options);
}

/**
 * Returns the checkpoint folder that a word refers to: the word itself if it is a checkpoint folder of any tool, otherwise the checkpoint
 * of a finished run.
 * @throws the errors of {@link finishedRun}
 */
export async function checkpointOf(word: string, options: GlobalOptions): Promise<string> {
  const isCheckpoint = existsSync(join(resolve(word), 'config.json'));
  return isCheckpoint ? resolve(word) : (await finishedRun(word, options, ['checkpoint'])).result.checkpoint;
}
