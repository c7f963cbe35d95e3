import { dirname, resolve } from 'node:path';
import { combinationsOf, memberName } from './combinations.js';
import { readDocument } from './document.js';
import type { SourceDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import type { PipelineProblem } from './errors.js';
import { notSweep } from './file-kind.js';
import { parsePipeline } from './parse.js';
import type { ParsedPipeline, ParseOptions } from './parse.js';
import { pointerOf } from './source-locations.js';
import { maxBytes, readText, tooLarge } from './read-text.js';
import { publishProblems } from './publish-check.js';
import { schemaProblems } from './schema-problems.js';
import type { ValueProblem } from './schema-problems.js';
import { sweepFile } from './schema.js';
import { choiceProblems, judgedProblems, stopProblems } from './sweep-checks.js';
import type { Combination, ParsedMember, ParsedSweep, SweepChoice, SweepSettings, SweepSource } from './sweep.js';

/** Maximum length of a member's name, because it is part of a file name. */
const longestName = 150;

/** The file's data after the check by the schema, with defaults filled in. */
interface CheckedSweep extends SweepSettings, SweepChoice {
  pipeline: string;
  set: Combination;
}

export interface ParseSweepRequest extends Pick<ParseOptions, 'allowFloating'> {
  text: string;
  path: string;
  /** `a.b=c` for all members, applied after the file's `set`. Relative paths start from the file's folder. */
  overrides?: readonly string[];
}

/**
 * Parses YAML text into a sweep, and checks every member's pipeline. Reads the pipeline file that the text names.
 * @throws PipelineFileError with every problem found, in the sweep file or else in the pipeline file
 */
export function parseSweep({ text, path, overrides = [], allowFloating = false }: ParseSweepRequest): ParsedSweep {
  const file = resolve(path);
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(file, Buffer.byteLength(text));
  const document = readDocument(text);
  const at = (problem: ValueProblem): PipelineProblem => located(document, problem);
  const broken = document.problems.map(({ offset, message }) => ({ ...position(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, broken);
  const pipelineInstead = notSweep(document.value);
  const problems = (pipelineInstead ? [pipelineInstead] : schemaProblems(document.value, sweepFile)).map(at);
  if (problems.length > 0) throw new PipelineFileError(file, problems);

  const { pipeline, set, name, maxParallel, stopWhen, best, matrix, exclude, include } = document.value as CheckedSweep;
  const choice = plain({ matrix, exclude, include });
  const wrong = [...choiceProblems(choice), ...(stopWhen === undefined ? [] : stopProblems(stopWhen, choice))];
  if (wrong.length > 0) throw new PipelineFileError(file, wrong.map(at));
  const folder = dirname(file);
  const pipelinePath = resolve(folder, pipeline);
  const source: SweepSource = {
    path: pipelinePath,
    text: readText(pipelinePath),
    folder,
    overrides: [...Object.entries(set).map(([key, value]) => override(key, value)), ...overrides],
    allowFloating,
  };
  const places = placesOf(choice, set);
  const members = membersOf(source, combinationsOf(choice), (failed) => {
    throw new PipelineFileError(file, failed.map((problem) => inSweep(document, places, problem)));
  });
  const together = [...judgedProblems({ stopWhen, best }, members), ...publishProblems(members)];
  if (together.length > 0) throw new PipelineFileError(file, together.map(at));
  return { name, maxParallel, ...(stopWhen && { stopWhen: plain(stopWhen) }), ...(best && { best: plain(best) }), ...choice, source, members };
}

/**
 * Reads and parses a sweep file.
 * @throws PipelineFileError like {@link parseSweep}, and if the file cannot be read
 */
export function loadSweep(path: string, overrides: readonly string[] = [], options: Pick<ParseOptions, 'allowFloating'> = {}): ParsedSweep {
  return parseSweep({ text: readText(resolve(path)), path, overrides, ...options });
}

/**
 * Returns the members for combinations, after checking them.
 * @param onProblems called with the problems that the combinations' values cause
 * @throws PipelineFileError with the problems of the pipeline file itself
 */
export function membersOf(source: SweepSource, combinations: readonly Combination[], onProblems: (problems: PipelineProblem[]) => never): ParsedMember[] {
  const problems = new Map<string, PipelineProblem>();
  const members: ParsedMember[] = [];
  for (const values of combinations) {
    const name = memberName(values);
    try {
      if (name.length > longestName) throw new PipelineFileError(source.path, [tooLong(name, values)]);
      members.push({ name, values, ...parseMember(source, values) });
    } catch (error) {
      if (!(error instanceof PipelineFileError) || error.problems.some((problem) => problem.override === undefined)) throw error;
      for (const problem of error.problems) problems.set(`${problem.override ?? ''}\n${problem.message}`, problem);
    }
  }
  if (problems.size > 0) onProblems([...problems.values()]);
  const names = new Set(members.map(({ name }) => name));
  if (names.size < members.length) {
    const twice = members.find(({ name }, index) => members.findIndex((other) => other.name === name) < index);
    onProblems([{ line: 0, column: 0, message: `two members have the name \`${twice?.name ?? ''}\`; expected unique names. Write the same path in the same way everywhere.` }]);
  }
  return members;
}

function parseMember({ path, text, folder, overrides, allowFloating }: SweepSource, values: Combination): ParsedPipeline {
  const own = Object.entries(values).map(([key, value]) => override(key, value));
  return parsePipeline({ text, path, overrides: [...overrides, ...own], allowFloating, currentFolder: folder });
}

function tooLong(name: string, values: Combination): PipelineProblem {
  const [[key, value]] = Object.entries(values);
  return { line: 0, column: 0, override: override(key, value), message: `a member's name has ${name.length} characters; expected at most ${longestName}. Use fewer or shorter values: ${name.slice(0, 40)}...` };
}

/** Writes the override for `--set`. JSON is also valid YAML. */
export const override = (path: string, value: unknown): string => `${path}=${JSON.stringify(value)}`;

/** Gives data a prototype. The document's data have none, but the code that compares and sends them expects one. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Places of the members' values in the sweep file, by the override that each value becomes. */
function placesOf({ matrix, include }: SweepChoice, set: Combination): Map<string, string> {
  const places = new Map<string, string>();
  for (const [path, value] of Object.entries(set)) places.set(override(path, value), pointerOf(['set', path]));
  include.forEach((entry, index) => {
    for (const [path, value] of Object.entries(entry)) places.set(override(path, value), pointerOf(['include', index, path]));
  });
  for (const [path, values] of Object.entries(matrix)) values.forEach((value, index) => places.set(override(path, value), pointerOf(['matrix', path, index])));
  return places;
}

function inSweep(document: SourceDocument, places: ReadonlyMap<string, string>, { message, override: cause, ...rest }: PipelineProblem): PipelineProblem {
  const pointer = cause === undefined ? '/matrix' : places.get(cause);
  if (pointer === undefined) return { ...rest, message, ...(cause !== undefined && { override: cause }) };
  return located(document, { pointer, part: 'value', message });
}

function position({ lines }: SourceDocument, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function located(document: SourceDocument, { pointer, part, message }: ValueProblem): PipelineProblem {
  const place = document.locations.find(pointer);
  return { ...position(document, part === 'key' ? (place.key ?? place.value) : place.value), message };
}
