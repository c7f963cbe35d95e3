import { join } from 'node:path';
import { packageRoot } from '#setup/paths.mjs';
import { pathBelow } from '../../files/artifacts/path-below.js';
import { readChecked } from './checked-document.js';
import { taskFile } from './schema.js';
import type { TaskDefinition } from '../../files/datasets/task.js';

/** The folder of the task files that come with the package. */
export function tasksFolder(): string {
  return join(packageRoot, 'pipelines', 'tasks');
}

/** Path of the file of a task that comes with the package. @throws UnsafeNameError */
export const taskPath = (task: string): string => pathBelow(tasksFolder(), `${task}.yaml`, 'task');

/**
 * Reads and checks a task file.
 * @throws PipelineFileError with every problem found
 */
export function loadTask(path: string): TaskDefinition {
  return readChecked<TaskDefinition>(path, taskFile).data;
}
