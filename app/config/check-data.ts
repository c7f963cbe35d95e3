import { resolveGates } from './resolve-gates.js';
import { resolvePipeline, type CheckedFile } from './resolve.js';
import { schemaProblems, type ValueProblem } from './schema-problems.js';
import { semanticProblems, type SemanticContext } from './semantics.js';
import type { Pipeline } from './pipeline.js';

export interface CheckedData {
  /** Absent if there are problems. */
  pipeline?: Pipeline;
  problems: ValueProblem[];
  warnings: ValueProblem[];
}

/**
 * Checks data in the syntax of a pipeline file, by schema and by meaning, and resolves them. Used for both files and requests.
 * @param data plain data; defaults are filled in
 */
export function checkData(data: unknown, context: SemanticContext): CheckedData {
  const shape = schemaProblems(data);
  const { problems, warnings } = semanticProblems(data, context);
  if (shape.length > 0 || problems.length > 0) return { problems: [...shape, ...problems], warnings };
  const checked = data as CheckedFile;
  const resolved = resolvePipeline(checked, context);
  const found = resolveGates(checked.gates, resolved.stages);
  if (found.problems.length > 0) return { problems: found.problems, warnings };
  return { pipeline: { ...resolved, ...(found.gates.length > 0 && { gates: found.gates }) }, problems, warnings };
}
