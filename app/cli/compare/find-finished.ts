import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { CommandLineError } from '../errors.js';
import type { GlobalOptions } from '../options.js';

/** A run that has ended, read from its folder. */
export interface FinishedRun {
  /** Absolute. */
  folder: string;
  result: PipelineResult;
}

/** Maximum number of runs with the same name that are listed. */
const maxListed = 5;

/**
 * Finds the finished run that a word on the command line names. The word is the run's folder, or a file in it; its workflow id; its
 * pipeline file; or the name of its pipeline, if only one run in the state folder has it. Asks no server.
 *
 * @throws CommandLineError, PipelineFileError
 */
export async function findFinished(word: string, options: GlobalOptions): Promise<FinishedRun> {
  const runs = join(options.state, 'runs');
  const path = resolve(word);
  if (existsSync(path)) return await readRun(await folderOf(path, runs, options), word);
  if (isPlain(word) && existsSync(join(runs, word))) return await readRun(join(runs, word), word);
  const named = await runsNamed(word, runs);
  if (named.length === 1) return await readRun(join(runs, named[0]), word);
  if (named.length === 0) throw new CommandLineError({ what: `there is no run ${word}`, where: runs, expected: "a run's folder, workflow id, pipeline file or name", remedy: 'See `npx temporal-pipeline list`, or give the state folder with --state' });
  throw new CommandLineError({
    what: `${named.length} runs are called ${word}: ${named.slice(0, maxListed).join(', ')}${named.length > maxListed ? ', ...' : ''}`, where: runs, remedy: 'Give the workflow id of one of them',
  });
}

/** Returns the folder of a run, given that folder, a path in it, or a pipeline file. */
async function folderOf(path: string, runs: string, options: GlobalOptions): Promise<string> {
  if (/\.ya?ml$/i.test(path) && !existsSync(join(dirname(path), 'result.json'))) {
    // Loading pipeline files also loads the client of the server. Only this case needs it.
    const [{ loadPipelineFile }, { workflowIdOf }] = await Promise.all([import('../load-pipeline.js'), import('../start-pipeline.js')]);
    return join(runs, workflowIdOf(loadPipelineFile(path, options)));
  }
  return statSync(path).isDirectory() && existsSync(join(path, 'result.json')) ? path : dirname(path);
}

const isPlain = (word: string): boolean => word !== '' && basename(word) === word && word !== '..' && word !== '.';

/** A run is named after its pipeline, followed by a digest. */
async function runsNamed(name: string, runs: string): Promise<string[]> {
  if (!existsSync(runs)) return [];
  const rest = /^-[0-9a-f]{16}(-locked-[0-9a-f]{8})?$/;
  return (await readdir(runs)).filter((folder) => folder.startsWith(name) && rest.test(folder.slice(name.length)) && existsSync(join(runs, folder, 'result.json'))).sort();
}

async function readRun(folder: string, word: string): Promise<FinishedRun> {
  const file = join(folder, 'result.json');
  if (!existsSync(file)) throw new CommandLineError({ what: `${word} is not a finished run`, where: folder, expected: 'a folder with the result.json that a run writes at its end', remedy: 'Wait until the run has ended, or check the path' });
  try {
    const result = JSON.parse(await readFile(file, 'utf8')) as PipelineResult;
    if (typeof result.name === 'string' && typeof result.perplexity === 'object' && Array.isArray(result.rebuild.layers) && typeof result.seconds.total === 'number') return { folder, result: locatedIn(folder, result) };
  } catch (cause) {
    throw new CommandLineError({ what: 'the file cannot be read', where: file, expected: 'the result of a run', remedy: 'Run the pipeline again: finished work is reused' }, { cause });
  }
  throw new CommandLineError({ what: 'the file is not the result of a run', where: file, remedy: 'Check the path' });
}

/**
 * The folder may have been moved, or fetched from another machine, since the result was written. So a file in the folder counts before the
 * path in the result, which may lead to another run or to something unrelated.
 */
function locatedIn(folder: string, result: PipelineResult): PipelineResult {
  const here = (path: string, name: string): string => (path !== '' && existsSync(join(folder, name)) ? join(folder, name) : path);
  const { checkpoint, mask, proof, report, page, lock, logLikelihoods } = result;
  return {
    ...result,
    checkpoint: here(checkpoint, 'checkpoint'), mask: here(mask, 'mask.safetensors'), proof: here(proof, 'proof.json'), report: here(report, 'report.md'),
    ...(page !== undefined && { page: here(page, 'report.html') }),
    ...(lock !== undefined && { lock: here(lock, 'pipeline.lock.yaml') }),
    ...(logLikelihoods !== undefined && { logLikelihoods: here(logLikelihoods, 'zero-shot') }),
  };
}
