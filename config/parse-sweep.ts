import { dirname, resolve } from 'node:path';
import { agrees, combinationsOf, memberName, product } from './combinations.js';
import { readDocument } from './document.js';
import type { SourceDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import type { PipelineProblem } from './errors.js';
import { nearest } from './nearest.js';
import { parsePipeline } from './parse.js';
import type { ParsedPipeline, ParseOptions } from './parse.js';
import type { EvaluationStage } from './pipeline.js';
import { pointerOf } from './places.js';
import { maxBytes, readText, tooLarge } from './read-text.js';
import { schemaProblems } from './schema-problems.js';
import type { ValueProblem } from './schema-problems.js';
import { sweepFile } from './schema.js';
import type { Combination, ParsedMember, ParsedSweep, SweepChoice, SweepMetric, SweepSettings, SweepSource, SweepValue } from './sweep.js';

/** More would not fit into what the server takes as one message. */
export const maximumMembers = 2000;
/** A member's name is part of a file name. */
const longestName = 150;

/** The file's data after the schema, defaults filled in. */
interface CheckedSweep extends SweepSettings, SweepChoice {
  pipeline: string;
  set: Combination;
}

export interface ParseSweepRequest extends Pick<ParseOptions, 'allowFloating'> {
  text: string;
  path: string;
  /** `a.b=c` that all members share, on top of the file's `set`. Relative paths start from the file's folder. */
  overrides?: readonly string[];
}

/**
 * YAML text to a sweep, every member's pipeline checked. Reads the pipeline file that it names.
 * @throws PipelineFileError with every problem found, in the sweep file or else in the pipeline file
 */
export function parseSweep({ text, path, overrides = [], allowFloating = false }: ParseSweepRequest): ParsedSweep {
  const file = resolve(path);
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(file, Buffer.byteLength(text));
  const document = readDocument(text);
  const at = (problem: ValueProblem): PipelineProblem => located(document, problem);
  const broken = document.problems.map(({ offset, message }) => ({ ...position(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, broken);
  const problems = schemaProblems(document.value, sweepFile).map(at);
  if (problems.length > 0) throw new PipelineFileError(file, problems);

  const { pipeline, set, name, maxParallel, stopWhen, best, matrix, exclude, include } = document.value as CheckedSweep;
  const choice = plain({ matrix, exclude, include });
  const wrong = choiceProblems(choice, stopWhen?.along);
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
  const unread = [...(stopWhen === undefined ? [] : [['stopWhen', stopWhen.metric] as const]), ...(best === undefined ? [] : [['best', best.metric] as const])]
    .flatMap(([key, metric]) => metricProblem(key, metric, members));
  if (unread.length > 0) throw new PipelineFileError(file, unread.map(at));
  return { name, maxParallel, ...(stopWhen && { stopWhen: plain(stopWhen) }), ...(best && { best: plain(best) }), ...choice, source, members };
}

/**
 * Reads and parses a sweep file.
 * @throws PipelineFileError like {@link parseSweep}, the file's being unreadable included
 */
export function loadSweep(path: string, overrides: readonly string[] = [], options: Pick<ParseOptions, 'allowFloating'> = {}): ParsedSweep {
  return parseSweep({ text: readText(resolve(path)), path, overrides, ...options });
}

/**
 * The members of combinations, checked.
 * @param onProblems gets the problems that the combinations' values cause
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
    onProblems([{ line: 0, column: 0, message: `two members are called \`${twice?.name ?? ''}\`; expected names that differ. Write the same path in the same way everywhere.` }]);
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

/** JSON is YAML. */
const override = (path: string, value: SweepValue): string => `${path}=${JSON.stringify(value)}`;

/** The document's data have no prototype, which what compares and sends them does not expect. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function choiceProblems(choice: SweepChoice, along: string | undefined): ValueProblem[] {
  const { matrix, exclude } = choice;
  const paths = Object.keys(matrix);
  const size = Object.values(matrix).reduce((all, values) => all * values.length, 1) + choice.include.length;
  if (size > maximumMembers) {
    return [{ pointer: '/matrix', part: 'key', message: `the matrix has ${size} combinations; expected at most ${maximumMembers}. Split the sweep, or use fewer values.` }];
  }
  const unknown = (path: string): string | undefined => {
    if (paths.includes(path)) return undefined;
    const meant = nearest(path, paths);
    return `\`${path}\` is no path of the matrix; expected ${paths.map((one) => `\`${one}\``).join(', ')}. ${meant === undefined ? 'Name one of them.' : `Did you mean \`${meant}\`?`}`;
  };
  const problems: ValueProblem[] = [];
  const all = product(matrix);
  exclude.forEach((entry, index) => {
    const wrong = Object.keys(entry).flatMap((path) => {
      const message = unknown(path);
      return message === undefined ? [] : [{ pointer: pointerOf(['exclude', index, path]), part: 'key', message } satisfies ValueProblem];
    });
    problems.push(...wrong);
    if (wrong.length === 0 && !all.some((combination) => agrees(combination, entry))) {
      problems.push({ pointer: pointerOf(['exclude', index]), part: 'value', message: 'excludes nothing: no combination of the matrix has these values; expected values of the matrix. Mend or remove it.' });
    }
  });
  if (problems.length === 0 && combinationsOf(choice).length === 0) {
    problems.push({ pointer: '/exclude', part: 'key', message: 'excludes all members; expected at least one that is left. Remove an entry.' });
  }
  if (along !== undefined) {
    const message = unknown(along) ?? (matrix[along].every((value) => typeof value === 'number') ? undefined : `\`${along}\` has values that are no numbers; expected numbers, of which one is larger. Name another path.`);
    if (message !== undefined) problems.push({ pointer: '/stopWhen/along', part: 'value', message });
  }
  return problems;
}

const statesOf: Record<SweepMetric, readonly string[]> = {
  'perplexity.initial': ['initial'],
  'perplexity.rebuilt': ['rebuilt'],
  gapClosed: ['dense', 'initial', 'rebuilt'],
  'accuracy.initial': ['initial'],
  'accuracy.rebuilt': ['rebuilt'],
};

/** A metric that a member would not have would silently judge nothing. */
function metricProblem(key: string, metric: SweepMetric, members: readonly ParsedMember[]): ValueProblem[] {
  const lacks = ({ pipeline }: ParsedMember): string | undefined => {
    const judges = ({ perplexity, zeroShot }: EvaluationStage): boolean => (metric.startsWith('accuracy') ? zeroShot !== undefined : perplexity.length > 0);
    const judged = pipeline.stages.flatMap((stage) => (stage.type === 'evaluation' && judges(stage) ? stage.states : []) as string[]);
    return statesOf[metric].find((state) => !judged.includes(state));
  };
  const member = members.find((one) => lacks(one) !== undefined);
  if (member === undefined) return [];
  const message = `member \`${member.name}\` has no ${metric}: its pipeline does not evaluate the state \`${lacks(member) ?? ''}\`${metric.startsWith('accuracy') ? ' on zero-shot tasks' : ''}; expected an evaluation of it. Add it to the pipeline's \`evaluation\`, or judge by another metric.`;
  return [{ pointer: `/${key}/metric`, part: 'value', message }];
}

/** Where each value of the members is in the sweep file, by the override that it becomes. */
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
  const place = document.places.find(pointer);
  return { ...position(document, part === 'key' ? (place.key ?? place.value) : place.value), message };
}
