import { checkedName } from '../../files/artifacts/path-below.js';
import { agrees } from './combinations.js';
import type { RequestProblem } from './errors.js';
import { plainCopy } from './plain-copy.js';
import { publishProblems } from './publish-check.js';
import { checkSentPipeline, located } from './request.js';
import { searchFile } from './schema.js';
import { schemaProblems } from './schema-problems.js';
import { gateProblems, gridOf, gridProblems } from './search-checks.js';
import type { SearchOver } from './search.js';
import { checkMembers, pathProblems, refuseIf, requestLimits, type SentRunGroup, type WithChanges } from './sent-members.js';
import { searchRequestFile } from './sweep-request-schema.js';

interface SentSearch extends SentRunGroup {
  name: string;
  over: SearchOver;
}

/**
 * Checks a search's request that a worker has received, including every point's pipeline, like `checkSweepRequest`.
 * @param searchId its workflow id, with which the names of its runs begin
 * @throws RequestError with the problems found, UnsafeNameError
 */
export async function checkSearchRequest(sent: unknown, searchId: string, withChanges: WithChanges): Promise<void> {
  checkedName(searchId, 'workflow id');
  const copy = plainCopy(sent, 'request', requestLimits);
  refuseIf(located(schemaProblems(copy, searchRequestFile), 'request'));
  const search = copy as SentSearch;
  refuseIf([...settingsProblems(search), ...pathProblems(search)]);
  refuseIf(pointProblems(search));
  refuseIf(checkSentPipeline(search.base, 'request.base').problems);
  const { members, problems } = await checkMembers(search, searchId, withChanges, 'temporal-pipeline search');
  refuseIf(problems);
  refuseIf([...gateProblems(members), ...publishProblems(members)].map(({ message }) => ({ at: 'request.base', message })));
}

/** Checks everything that is also in the search's file. */
function settingsProblems({ name, over }: SentSearch): RequestProblem[] {
  const shape = schemaProblems({ version: 1, name, pipeline: '.', over }, searchFile);
  return located(shape.length > 0 ? shape : gridProblems(over), 'request');
}

/** The members must be the points of the grid, in its order. Otherwise the search could find a point that is not the sparsest. */
function pointProblems({ over, members }: SentSearch): RequestProblem[] {
  const grid = gridOf(over);
  if (members.length !== grid.length) {
    return [{ at: 'request.members', message: `there are ${members.length}; expected ${grid.length}, one for each point of the search. Use \`temporal-pipeline search\`.` }];
  }
  const wrong = members.findIndex(({ values }, index) => !agrees(values, grid[index]) || !agrees(grid[index], values));
  if (wrong < 0) return [];
  return [{ at: `request.members[${wrong}].values`, message: `they are ${JSON.stringify(members[wrong].values).slice(0, 200)}; expected ${JSON.stringify(grid[wrong])}, which follows from what is searched. Use \`temporal-pipeline search\`.` }];
}
