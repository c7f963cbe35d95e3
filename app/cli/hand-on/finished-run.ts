import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openStore, type OutputPart } from '../../../files/artifacts/index.js';
import { findFinished, type FinishedRun } from '../compare/find-finished.js';
import { CommandLineError } from '../errors.js';
import type { GlobalOptions } from '../options.js';
import { bringRun } from './bring-run.js';
import { findKept } from './find-kept.js';

/**
 * The finished run that a word on the command line means: on this machine, else brought from the store into the state folder.
 * @param parts what has to be here
 * @throws CommandLineError if neither has it, and what {@link findFinished}, {@link findKept} and {@link bringRun} throw
 */
export async function finishedRun(word: string, options: GlobalOptions, parts: readonly OutputPart[]): Promise<FinishedRun> {
  const local = await findFinished(word, options).catch((error: unknown) => {
    if (error instanceof CommandLineError) return undefined;
    throw error;
  });
  const isHere = local !== undefined && (!parts.includes('checkpoint') || existsSync(local.result.checkpoint)) && (!parts.includes('mask') || existsSync(local.result.mask));
  if (isHere) return local;
  const { shelf } = await openStore(options.state, options.store);
  const run = await findKept(shelf, word, options);
  const folder = local?.folder ?? join(options.state, 'runs', run.workflowId);
  await bringRun(shelf, run, folder, [...new Set<OutputPart>([...parts, 'report'])]);
  return await findFinished(folder, options);
}

/**
 * The checkpoint folder that a word means: itself, if it is one of any tool, else that of a finished run.
 * @throws what {@link finishedRun} throws
 */
export async function checkpointOf(word: string, options: GlobalOptions): Promise<string> {
  const isCheckpoint = existsSync(join(resolve(word), 'config.json'));
  return isCheckpoint ? resolve(word) : (await finishedRun(word, options, ['checkpoint'])).result.checkpoint;
}
