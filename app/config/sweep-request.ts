import { setImmediate as turn } from 'node:timers/promises';
import { checkedName } from '../../files/artifacts/path-below.js';
import { UnsafeNameError } from '../../files/artifacts/errors.js';
import { memberName } from './combinations.js';
import { RequestError, type RequestProblem } from './errors.js';
import type { Pipeline } from './pipeline.js';
import { plainCopy, type CopyLimits } from './plain-copy.js';
import { checkSentPipeline, digestProblems, isPlainPath, located } from './request.js';
import { sweepFile } from './schema.js';
import { schemaProblems, show } from './schema-problems.js';
import { choiceProblems, judgedProblems, stopProblems } from './sweep-checks.js';
import type { Combination, SweepChoice, SweepSettings } from './sweep.js';
import { sweepRequestFile } from './sweep-request-schema.js';

/** Two thousand members and their outcomes have less, and the pipeline file's text is among it. */
const limits: CopyLimits = { values: 1_000_000, text: 1_000_000 };

/** Problems that are collected before the rest of the members is left unread. */
const enough = 50;

/** What workflow code makes a member's pipeline by: the base, and what is replaced in it. @throws TypeError if the base has no such value */
export type WithChanges = (base: unknown, changes: [path: (string | number)[], value: unknown][]) => unknown;
type Changes = Parameters<WithChanges>[1];

/** The parts of a sweep's request that are looked at here, once the schema has passed. */
interface SentSweep extends SweepSettings {
  base: unknown;
  members: { name: string; values: Combination; changes: Changes; configDigest: string }[];
  source: { path: string; folder: string };
  choice: SweepChoice;
}

/**
 * Checks what a worker was sent for a sweep, every member's pipeline included, like {@link checkRequest}. Lets other work of
 * the process go on meanwhile: two thousand members take seconds.
 * @param sweepId its workflow id, with which the names of its members begin
 * @throws RequestError with the problems found, UnsafeNameError
 */
export async function checkSweepRequest(sent: unknown, sweepId: string, withChanges: WithChanges): Promise<void> {
  checkedName(sweepId, 'workflow id');
  const copy = plainCopy(sent, 'request', limits);
  refuseIf(located(schemaProblems(copy, sweepRequestFile), 'request'));
  const sweep = copy as SentSweep;
  refuseIf([...settingsProblems(sweep), ...pathProblems(sweep)]);
  refuseIf(checkSentPipeline(sweep.base, 'request.base').problems);
  const { members, problems } = await checkMembers(sweep, sweepId, withChanges);
  refuseIf(problems);
  refuseIf(located(judgedProblems(sweep, members), 'request'));
}

function refuseIf(problems: readonly RequestProblem[]): void {
  if (problems.length > 0) throw new RequestError(problems);
}

/** Everything that the sweep's file says itself. */
function settingsProblems({ name, maxParallel, stopWhen, best, choice }: SentSweep): RequestProblem[] {
  const file = { version: 1, name, pipeline: '.', maxParallel, ...(stopWhen !== undefined && { stopWhen }), ...(best !== undefined && { best }), ...choice };
  const shape = schemaProblems(file, sweepFile);
  const problems = shape.length > 0 ? shape : [...choiceProblems(choice), ...(stopWhen === undefined ? [] : stopProblems(stopWhen, choice))];
  const ofChoice = Object.keys(choice);
  return problems.flatMap((problem) => located([problem], ofChoice.some((key) => problem.pointer.startsWith(`/${key}`)) ? 'request.choice' : 'request'));
}

function pathProblems({ source }: SentSweep): RequestProblem[] {
  return (['path', 'folder'] as const).filter((key) => !isPlainPath(source[key]))
    .map((key) => ({ at: `request.source.${key}`, message: `it is ${show(source[key])}; expected an absolute path. Send that of the ${key === 'path' ? 'pipeline file' : "sweep file's folder"}.` }));
}

async function checkMembers({ base, members }: SentSweep, sweepId: string, withChanges: WithChanges): Promise<{ members: { name: string; pipeline: Pipeline }[]; problems: RequestProblem[] }> {
  const problems: RequestProblem[] = [];
  const checked: { name: string; pipeline: Pipeline }[] = [];
  const names = new Set<string>();
  for (const [index, { name, values, changes, configDigest }] of members.entries()) {
    const at = `request.members[${index}]`;
    if (index % 20 === 0) await turn();
    problems.push(...nameProblems(name, values, names, sweepId, `${at}.name`));
    const changed = changedBase(base, changes, withChanges);
    if (changed === undefined) problems.push({ at: `${at}.changes`, message: 'a change names a value that the base pipeline does not have; expected keys of the base. Use `temporal-pipeline sweep`.' });
    else {
      const { pipeline, problems: found } = checkSentPipeline(changed.pipeline, `${at}.pipeline`);
      problems.push(...found);
      if (pipeline !== undefined) {
        problems.push(...digestProblems(configDigest, pipeline, `${at}.configDigest`));
        checked.push({ name, pipeline });
      }
    }
    if (problems.length >= enough) break;
  }
  return { members: checked, problems };
}

/** A member's name follows from its values, and is part of its workflow id. */
function nameProblems(name: string, values: Combination, before: Set<string>, sweepId: string, at: string): RequestProblem[] {
  const expected = memberName(values);
  if (name !== expected) return [{ at, message: `it is ${show(name)}; expected ${show(expected)}, which follows from the values. Use \`temporal-pipeline sweep\`.` }];
  if (before.has(name)) return [{ at, message: `a second member is called ${show(name)}; expected names that differ. Remove one of the two.` }];
  before.add(name);
  try {
    checkedName(`${sweepId}.${name}`, 'workflow id');
  } catch (error) {
    if (!(error instanceof UnsafeNameError)) throw error;
    return [{ at, message: error.message }];
  }
  return [];
}

function changedBase(base: unknown, changes: Changes, withChanges: WithChanges): { pipeline: unknown } | undefined {
  const isKey = (key: unknown): boolean => typeof key === 'string' || typeof key === 'number';
  if (!changes.every(([path]) => Array.isArray(path) && path.every(isKey))) return undefined;
  try {
    // A change can replace anything by anything, so its result is as unknown as the request.
    return { pipeline: plainCopy(withChanges(base, changes), 'pipeline', limits) };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
