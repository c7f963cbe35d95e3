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
  /** The data, as the schema describes them. */
  data: T;
  /** For finding the place of a value in the file. */
  document: SourceDocument;
}

/**
 * Reads a YAML file of another kind than a pipeline, and checks it against its schema.
 * @param notSuch returns a problem if the file is of another kind
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
  // The document's data have no prototype, but the code that sends them expects one.
  return { file, data: JSON.parse(JSON.stringify(document.value)) as T, document };
}
