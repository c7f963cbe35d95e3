import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import { located, positionOf } from './located.js';
import { readText } from './read-text.js';
import { schemaProblems } from './schema-problems.js';
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

/** The file of a task that comes with the package. */
export const taskPath = (task: string): string => join(tasksFolder(), `${task}.yaml`);

/**
 * Reads and checks a task file.
 * @throws PipelineFileError with every problem found
 */
export function loadTask(path: string): TaskDefinition {
  const file = resolve(path);
  const document = readDocument(readText(file));
  const broken = document.problems.map(({ offset, message }) => ({ ...positionOf(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, broken);
  const problems = schemaProblems(document.value, taskFile).map((problem) => located(document, problem));
  if (problems.length > 0) throw new PipelineFileError(file, problems);
  // The document's data have no prototype, which what sends them does not expect.
  return JSON.parse(JSON.stringify(document.value)) as TaskDefinition;
}
