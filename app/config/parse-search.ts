import { dirname, resolve } from 'node:path';
import { readChecked } from './checked-document.js';
import { readDocument } from './document.js';
import { PipelineFileError, type PipelineProblem } from './errors.js';
import { isSearch, notSearch } from './file-kind.js';
import { located } from './located.js';
import type { ParseOptions } from './parse.js';
import { membersOf, override } from './parse-sweep.js';
import { pointerOf } from './source-locations.js';
import { publishProblems } from './publish-check.js';
import { readText } from './read-text.js';
import { searchFile } from './schema.js';
import type { ValueProblem } from './schema-problems.js';
import { gateProblems, gridOf, gridProblems } from './search-checks.js';
import type { ParsedSearch, SearchOver } from './search.js';
import type { Combination, SweepSource } from './sweep.js';

/** The file's data after the check by the schema, with defaults filled in. */
interface CheckedSearch {
  name: string;
  pipeline: string;
  set: Combination;
  gates?: unknown[];
  over: SearchOver;
}

/**
 * Reads a search file and its pipeline file, and checks the pipeline of every point.
 * @param overrides `a.b=c`, applied after the file's `set` and `gates`. Relative paths start from the file's folder
 * @throws PipelineFileError with every problem found, in the search file or else in the pipeline file
 */
export function loadSearch(path: string, overrides: readonly string[] = [], { allowFloating = false }: Pick<ParseOptions, 'allowFloating'> = {}): ParsedSearch {
  const { file, document, data: { name, pipeline, set, gates, over } } = readChecked<CheckedSearch>(path, searchFile, notSearch);
  const refuseIf = (problems: readonly ValueProblem[]): void => {
    if (problems.length > 0) throw new PipelineFileError(file, problems.map((problem) => located(document, problem)));
  };
  refuseIf(gridProblems(over));
  const [folder, pipelinePath] = [dirname(file), resolve(dirname(file), pipeline)];
  const places = placesOf({ set, gates, over });
  const own = [...places].filter(([, pointer]) => !pointer.startsWith('/over')).map(([cause]) => cause);
  const source: SweepSource = { path: pipelinePath, text: readText(pipelinePath), folder, overrides: [...own, ...overrides], allowFloating };
  const members = membersOf(source, gridOf(over), (failed) => {
    throw new PipelineFileError(file, inSearch(failed, places).map((problem) => ('pointer' in problem ? located(document, problem) : problem)));
  });
  refuseIf([...gateProblems(members), ...publishProblems(members)]);
  return { name, over, source, members };
}

/** Places of the points' values in the search file, by the override that each value becomes. */
function placesOf({ set, gates, over }: Pick<CheckedSearch, 'set' | 'gates' | 'over'>): Map<string, string> {
  const places = new Map(Object.entries(set).map(([path, value]) => [override(path, value), pointerOf(['set', path])]));
  if (gates !== undefined) places.set(override('gates', gates), '/gates');
  for (const values of gridOf(over)) {
    const index = 'patterns' in over ? over.patterns.indexOf(String(values['initialMask.pattern'])) : undefined;
    for (const [path, value] of Object.entries(values)) places.set(override(path, value), index === undefined ? '/over/sparsity' : pointerOf(['over', 'patterns', index]));
  }
  return places;
}

/**
 * Maps problems to their places in the search file. If many points have a problem from the same place, it is reported once, for the first
 * point.
 */
function inSearch(failed: readonly PipelineProblem[], places: ReadonlyMap<string, string>): (ValueProblem | PipelineProblem)[] {
  const told = new Map<string, ValueProblem>();
  const elsewhere: PipelineProblem[] = [];
  for (const problem of failed) {
    const pointer = problem.override === undefined ? undefined : places.get(problem.override);
    if (pointer === undefined) elsewhere.push(problem);
    // Every point repeats the problems of the shared values.
    else if (!pointer.startsWith('/over') || !told.has(pointer)) told.set(pointer.startsWith('/over') ? pointer : `${pointer}\n${problem.message}`, { pointer, part: 'value', message: problem.message });
  }
  return [...told.values(), ...elsewhere];
}

/** Whether a file is a search, valid or not. @throws PipelineFileError if it cannot be read */
export const isSearchFile = (path: string): boolean => isSearch(readDocument(readText(resolve(path))).value);
