import { loadTask, taskPath } from '../../app/config/index.js';
import type { ZeroShotTask } from '../../app/config/pipeline.js';
import type { TaskDefinition } from '../../files/datasets/task.js';
import { Fault } from '../../errors/fault.js';
import { TaskDocumentsError, TaskDocumentsMissingError } from '../errors.js';
import { taskFile } from '../hub-files.js';
import type { Workbench } from '../workbench.js';

/** Returns the definition of a task that comes with the package; undefined for a task of the user's own. */
export function definitionOf(task: ZeroShotTask): (TaskFile & { definition: TaskDefinition }) | undefined {
  if (!('task' in task)) return undefined;
  const file = taskPath(task.task);
  return { definition: loadTask(file), file, name: `tasks/${task.task}.yaml` };
}

/** A file, and its name in records, which is the same on every machine. */
export interface TaskFile {
  file: string;
  name: string;
}

/**
 * Returns the files of a task's documents: those that the pipeline names, or those of the hub, which are downloaded if necessary.
 * @throws PathNotAllowedError, TaskDocumentsError, TaskDocumentsMissingError
 */
export async function documentFiles(task: ZeroShotTask, bench: Workbench): Promise<TaskFile[]> {
  if (task.file !== undefined) {
    await bench.allowed.check('zeroShot.file', task.file);
    return [{ file: task.file, name: task.file }];
  }
  const definition = definitionOf(task)?.definition;
  if (definition === undefined) throw new Error("a user-defined task has a file");
  const found: TaskFile[] = [];
  for (const path of definition.source.files) {
    const file = await taskFile(definition.source, path, bench).catch((error: unknown) => {
      throw withFileHint(error, definition.task);
    });
    found.push(file);
  }
  return found;
}

/** Adds a hint to the error: a user who has the documents already does not need the hub. */
function withFileHint(error: unknown, task: string): unknown {
  if (!(error instanceof Fault)) return error;
  const { text } = error;
  const hinted = { ...text, what: `the documents of ${task} are not available: ${text.what}`, remedy: `${text.remedy ?? 'Fix that'}; or provide them as a file: { task: ${task}, file: documents.jsonl }` };
  return error.retryable ? new TaskDocumentsMissingError(hinted, { cause: error }) : new TaskDocumentsError(hinted, { cause: error });
}
