import { existsSync } from 'node:fs';
import { pathBelow } from '../artifacts/path-below.js';
import { fileURLToPath } from 'node:url';
import { readChecked } from './checked-document.js';
import { taskFile } from './schema.js';
import type { TaskDefinition } from './task.js';

/** The folder of the task files that come with the package. */
export function tasksFolder(): string {
  // Beside this folder in the sources, one level further up from the compiled file.
  const folders = ['../pipelines/tasks', '../../pipelines/tasks'].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  const found = folders.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error('pipelines/tasks is missing from the installation; install the package again.');
  return found;
}

/** The file of a task that comes with the package. @throws UnsafeNameError */
export const taskPath = (task: string): string => pathBelow(tasksFolder(), `${task}.yaml`, 'task');

/**
 * Reads and checks a task file.
 * @throws PipelineFileError with every problem found
 */
export function loadTask(path: string): TaskDefinition {
  return readChecked<TaskDefinition>(path, taskFile).data;
}
