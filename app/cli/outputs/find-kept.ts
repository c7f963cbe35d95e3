import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkedName, keptRun, type KeptRun, type ArtifactBackend } from '../../../files/artifacts/index.js';
import { CommandLineError } from '../errors.js';
import type { GlobalOptions } from '../options.js';

/** Maximum number of runs listed for an ambiguous name. */
const maxListed = 5;

/**
 * Returns the finished run that a word on the command line refers to, from the store's records. The word is a pipeline file, a workflow
 * id, or the name of a pipeline with only one run. Without a word, returns the run that ended last. Does not need a server.
 * @throws CommandLineError if there is none, PipelineFileError, and the store's faults
 */
export async function findKept(backend: ArtifactBackend, word: string | undefined, options: GlobalOptions): Promise<KeptRun> {
  if (word === undefined) return await latest(backend);
  const id = await idFrom(word, options);
  const run = await keptRun(backend, id);
  if (run !== undefined) return run;
  const named: string[] = [];
  for await (const other of backend.runs.list()) if (isRunOf(other, id)) named.push(other);
  if (named.length > 1) {
    throw new CommandLineError({ what: `${named.length} runs are called ${word}: ${named.slice(0, maxListed).join(', ')}${named.length > maxListed ? ', ...' : ''}`, where: backend.name, remedy: 'Give the workflow id of one of them' });
  }
  const only = named.length === 1 ? await keptRun(backend, named[0]) : undefined;
  if (only !== undefined) return only;
  const local = join(options.state, 'runs', id);
  const isHere = existsSync(join(local, 'result.json'));
  throw new CommandLineError({
    what: `the store keeps no outputs of ${word}`, where: backend.name, expected: 'a workflow id, a pipeline file, or the name of a pipeline, of a run that has ended',
    remedy: isHere ? `They are in ${local}. To keep them in the store, add \`outputs: { keep: [checkpoint, mask, report] }\` to the pipeline and run it again: finished work is found` : 'Give the store of the worker with --store, and see `npx temporal-pipeline list`. Workers whose store is their state folder keep outputs only if the pipeline has `outputs: { keep: ... }`',
  });
}

/** Checks whether a run belongs to a pipeline. Workflow ids are the pipeline's name followed by a digest. */
function isRunOf(workflowId: string, name: string): boolean {
  return workflowId.startsWith(name) && /^-[0-9a-f]{16}(-locked-[0-9a-f]{8})?$/.test(workflowId.slice(name.length));
}

async function idFrom(word: string, options: GlobalOptions): Promise<string> {
  if (!/\.ya?ml$/i.test(word)) return checkedName(word, 'workflow id');
  const [{ loadPipelineFile }, { workflowIdOf }] = await Promise.all([import('../load-pipeline.js'), import('../start-pipeline.js')]);
  return workflowIdOf(loadPipelineFile(word, options));
}

async function latest(backend: ArtifactBackend): Promise<KeptRun> {
  let last: KeptRun | undefined;
  for await (const id of backend.runs.list()) {
    const run = await keptRun(backend, id);
    if (run !== undefined && (last === undefined || run.endedAt > last.endedAt)) last = run;
  }
  if (last !== undefined) return last;
  throw new CommandLineError({ what: 'the store keeps no outputs of any run', where: backend.name, remedy: 'Give the store of the worker with --store' });
}
