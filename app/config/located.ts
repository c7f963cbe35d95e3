import type { SourceDocument } from './document.js';
import type { PipelineProblem } from './errors.js';
import type { ValueProblem } from './schema-problems.js';

/** Line and column of an offset, counted from 1. */
export function positionOf(source: SourceDocument, offset: number): { line: number; column: number } {
  const { line, col } = source.lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Returns a problem with its line and column, or with the override that caused it. */
export function located(source: SourceDocument, { pointer, part, message, offset = 0, causes = [] }: ValueProblem): PipelineProblem {
  const place = source.locations.find(pointer);
  const override = [pointer, ...causes].map((at) => source.locations.find(at).override).find((found) => found !== undefined);
  if (override !== undefined) return { line: 0, column: 0, message, override };
  return { ...positionOf(source, part === 'key' ? (place.key ?? place.value) : source.within(place.value, offset)), message };
}

/** Returns the problems of a document, or only the unusual space that causes them all. */
export function withCause(source: SourceDocument, problems: PipelineProblem[]): PipelineProblem[] {
  const { oddSpace } = source;
  return oddSpace === undefined ? problems : [{ ...positionOf(source, oddSpace.offset), message: oddSpace.message }];
}
