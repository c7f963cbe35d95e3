import { resolve } from 'node:path';
import { readDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import type { Lock } from './lock.js';
import { located, positionOf } from './located.js';
import { readText } from './read-text.js';
import { schemaProblems } from './schema-problems.js';
import { lockFile } from './schema.js';

/**
 * Reads and checks a lock.
 * @throws PipelineFileError with every problem found
 */
export function loadLock(path: string): Lock {
  const file = resolve(path);
  const document = readDocument(readText(file));
  const broken = document.problems.map(({ offset, message }) => ({ ...positionOf(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, broken);
  const problems = schemaProblems(document.value, lockFile).map((problem) => located(document, problem));
  if (problems.length > 0) throw new PipelineFileError(file, problems);
  // The document's data have no prototype, which what sends them does not expect.
  return JSON.parse(JSON.stringify(document.value)) as Lock;
}
