import { isCommit, namedRepositories } from '../app/config/index.js';
import type { Lock } from '../app/config/lock.js';
import type { NamedDataset, Pipeline } from '../app/config/pipeline.js';
import { stagesOf } from '../app/planning/index.js';
import { datasetRevision, namedFile } from './hub-files.js';
import type { Workbench } from './workbench.js';

/** The file of a named dataset, and the revision that the pipeline asks for. */
export interface NamedFile {
  asked: string;
  file: string;
  name: string;
  commit: string;
}

/** Returns the files of all named datasets, each at one commit for the whole run. */
export async function namedFiles(pipeline: Pipeline, lock: Lock | undefined, bench: Workbench): Promise<NamedFile[]> {
  const uses = [
    ...stagesOf(pipeline, 'calibration').map(({ dataset }) => ({ dataset, use: 'calibration' as const })),
    ...stagesOf(pipeline, 'evaluation').flatMap(({ perplexity }) => perplexity.map(({ dataset }) => ({ dataset, use: 'evaluation' as const }))),
  ];
  const found = new Map<string, NamedFile>();
  for (const { dataset, use } of uses) {
    if (!('name' in dataset)) continue;
    const asked = datasetRevision(dataset);
    const known = [...found.values()].find((other) => other.asked === asked)?.commit ?? (isCommit(dataset.revision) ? undefined : lockedCommit(lock, dataset));
    const file = await namedFile(dataset, use, bench, known);
    found.set(file.name, { asked, ...file });
  }
  return [...found.values()];
}

/** Returns the commit of a dataset in the files of a lock, if the lock has one. */
function lockedCommit(lock: Lock | undefined, { name }: NamedDataset): string | undefined {
  const start = `${namedRepositories[name].repository}@`;
  return Object.keys(lock?.files ?? {}).find((file) => file.startsWith(start))?.slice(start.length, start.length + 40);
}
