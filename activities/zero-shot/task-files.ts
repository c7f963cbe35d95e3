import { loadTask, taskPath } from '../../app/config/index.js';
import type { ZeroShotTask } from '../../app/config/pipeline.js';
import type { TaskDefinition } from '../../files/datasets/task.js';
import { Fault } from '../../errors/fault.js';
import { TaskDocumentsError, TaskDocumentsMissingError } from '../errors.js';
import { taskFile } from '../hub-files.js';
import type { Workbench } from '../workbench.js';

/** What comes with the package about a task; nothing about one of the user's own. */
export function definitionOf(task: ZeroShotTask): (TaskFile & { definition: TaskDefinition }) | undefined {
  if (!('task' in task)) return undefined;
  const file = taskPath(task.task);
  return { definition: loadTask(file), file, name: `tasks/${task.task}.yaml` };
}

/** A file, and what records call it, on every machine. */
export interface TaskFile {
  file: string;
  name: string;
}

/**
 * The files of a task's documents: the pipeline's, else those of the hub, which are downloaded if need be.
 * @throws PathNotAllowedError, TaskDocumentsError, TaskDocumentsMissingError
 */
export async function documentFiles(task: ZeroShotTask, bench: Workbench): Promise<TaskFile[]> {
  if (task.file !== undefined) {
    await bench.allowed.check('zeroShot.file', task.file);
    return [{ file: task.file, name: task.file }];
  }
  const definition = definitionOf(task)?.definition;
  if (definition === undefined) throw new Error("a task of the user's own has a file");
  const found: TaskFile[] = [];
  for (const path of definition.source.files) {
    const file = await taskFile(definition.source, path, bench).catch((error: unknown) => {
      throw withFileHint(error, definition.task);
    });
    found.push(file);
  }
  return found;
}

/** Who has the documents already needs no hub. */
function withFileHint(error: unknown, task: string): unknown {
  if (!(error instanceof Fault)) return error;
  const { text } = error;
  const hinted = { ...text, what: `the documents of ${task}: ${text.what}`, remedy: `${text.remedy ?? 'Fix that'}; or give them as a file: { task: ${task}, file: documents.jsonl }` };
  return error.retryable ? new TaskDocumentsMissingError(hinted, { cause: error }) : new TaskDocumentsError(hinted, { cause: error });
}
