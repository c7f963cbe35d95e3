import { placeOf } from './errors.js';
import type { PipelineFileError, PipelineProblem } from './errors.js';

const shownWidth = 100;

/**
 * Formats the problems of a pipeline file for people: place and message, then the line with a caret under the place.
 * @param text the file's text, as it was parsed
 */
export function describeProblems(error: Pick<PipelineFileError, 'path' | 'problems'>, text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  return error.problems.map((problem) => [`${placeOf(error.path, problem)}: ${printable(problem.message)}`, ...excerpt(problem, lines)].join('\n')).join('\n\n');
}

function excerpt({ line, column }: PipelineProblem, lines: readonly string[]): string[] {
  const source = lines[line - 1];
  if (source === undefined || source.trim() === '') return [];
  const from = Math.max(0, column - 1 - (3 * shownWidth) / 4);
  const shown = printable(source.slice(from, from + shownWidth));
  const indent = printable(source.slice(from, column - 1)).replace(/[^\t]/g, ' ');
  const number = String(line).padStart(5);
  return [`${number} | ${shown}`, `${' '.repeat(number.length)} | ${indent}^`];
}

/** Replaces control characters, which could move the terminal's cursor or change its colours. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, '?');
}
