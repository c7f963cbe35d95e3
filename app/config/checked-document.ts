import { resolve } from 'node:path';
import { readDocument, type SourceDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import { located, positionOf, withCause } from './located.js';
import { readText } from './read-text.js';
import { schemaProblems, type ValueProblem } from './schema-problems.js';
import type { FileSchema } from './schema.js';

export interface CheckedDocument<T> {
  /** Absolute. */
  file: string;
  /** Its data, as the schema says. */
  data: T;
  /** For where something is in the file. */
  document: SourceDocument;
}

/**
 * Reads a YAML file that is not a pipeline, and checks it by its schema.
 * @param notSuch says of a file of another kind what it is
 * @throws PipelineFileError with every problem found
 */
export function readChecked<T>(path: string, schema: FileSchema, notSuch: (value: unknown) => ValueProblem | undefined = () => undefined): CheckedDocument<T> {
  const file = resolve(path);
  const document = readDocument(readText(file));
  const broken = document.problems.map(({ offset, message }) => ({ ...positionOf(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, withCause(document, broken));
  const other = notSuch(document.value);
  const problems = (other === undefined ? schemaProblems(document.value, schema) : [other]).map((problem) => located(document, problem));
  if (problems.length > 0) throw new PipelineFileError(file, withCause(document, problems));
  // The document's data have no prototype, which what sends them does not expect.
  return { file, data: JSON.parse(JSON.stringify(document.value)) as T, document };
}
