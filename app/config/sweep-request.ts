import { checkedName } from '../../files/artifacts/path-below.js';
import type { RequestProblem } from './errors.js';
import { plainCopy } from './plain-copy.js';
import { publishProblems } from './publish-check.js';
import { checkSentPipeline, located } from './request.js';
import { sweepFile } from './schema.js';
import { schemaProblems } from './schema-problems.js';
import { checkMembers, pathProblems, refuseIf, requestLimits, type SentRunGroup, type WithChanges } from './sent-members.js';
import { choiceProblems, judgedProblems, stopProblems } from './sweep-checks.js';
import type { SweepChoice, SweepSettings } from './sweep.js';
import { sweepRequestFile } from './sweep-request-schema.js';

/** The parts of a sweep's request that are read here, after the check by the schema. */
interface SentSweep extends SweepSettings, SentRunGroup {
  choice: SweepChoice;
}

/**
 * Checks a sweep's request that a worker has received, including every member's pipeline, like {@link checkRequest}. Lets other work of the
 * process continue meanwhile, because two thousand members take seconds.
 * @param sweepId its workflow id, with which the names of its members begin
 * @throws RequestError with the problems found, UnsafeNameError
 */
export async function checkSweepRequest(sent: unknown, sweepId: string, withChanges: WithChanges): Promise<void> {
  checkedName(sweepId, 'workflow id');
  const copy = plainCopy(sent, 'request', requestLimits);
  refuseIf(located(schemaProblems(copy, sweepRequestFile), 'request'));
  const sweep = copy as SentSweep;
  refuseIf([...settingsProblems(sweep), ...pathProblems(sweep)]);
  refuseIf(checkSentPipeline(sweep.base, 'request.base').problems);
  const { members, problems } = await checkMembers(sweep, sweepId, withChanges, 'temporal-pipeline sweep');
  refuseIf(problems);
  refuseIf(located([...judgedProblems(sweep, members), ...publishProblems(members)], 'request'));
}

/** Checks everything that is also in the sweep's file. */
function settingsProblems({ name, maxParallel, stopWhen, best, choice }: SentSweep): RequestProblem[] {
  const file = { version: 1, name, pipeline: '.', maxParallel, ...(stopWhen !== undefined && { stopWhen }), ...(best !== undefined && { best }), ...choice };
  const shape = schemaProblems(file, sweepFile);
  const problems = shape.length > 0 ? shape : [...choiceProblems(choice), ...(stopWhen === undefined ? [] : stopProblems(stopWhen, choice))];
  const ofChoice = Object.keys(choice);
  return problems.flatMap((problem) => located([problem], ofChoice.some((key) => problem.pointer.startsWith(`/${key}`)) ? 'request.choice' : 'request'));
}
