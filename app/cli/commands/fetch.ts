import { join, resolve } from 'node:path';
import { openStore, outputParts, type OutputPart } from '../../../files/artifacts/index.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { fetchRun } from '../outputs/fetch-run.js';
import { findKept } from '../outputs/find-kept.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/** Options specific to `fetch`. */
export interface FetchFlags {
  to?: string;
  only: readonly string[];
}

/**
 * `fetch [RUN]`: brings the outputs of a finished run from the store to this machine.
 * @returns the exit code
 * @throws what {@link findKept} and {@link fetchRun} throw
 */
export async function fetchCommand(word: string | undefined, { to, only }: FetchFlags, options: GlobalOptions): Promise<number> {
  const { backend } = await openStore(options.state, options.store);
  const run = await findKept(backend, word, options);
  const folder = to === undefined ? join(options.state, 'runs', run.workflowId) : resolve(to);
  const { parts, brought } = await fetchRun(backend, run, folder, only.map(partNamed));
  if (options.json) printJson({ workflowId: run.workflowId, folder, parts, brought });
  else process.stdout.write(`${run.workflowId}: ${parts.join(', ')} ${parts.length === 1 ? 'is' : 'are'} in ${folder} (${brought.length === 0 ? 'nothing was missing' : `${brought.length} files copied from ${backend.name}`}).\n`);
  return exitCode.done;
}

function partNamed(name: string): OutputPart {
  const part = outputParts.find((one) => one === name);
  if (part !== undefined) return part;
  throw new CommandLineError({ where: '--only', what: `${JSON.stringify(name)} is not a part of a run's outputs`, expected: `one of ${outputParts.join(', ')}`, remedy: 'Name one of these' });
}
