import { setImmediate as turn } from 'node:timers/promises';
import { checkedName } from '../../files/artifacts/path-below.js';
import { UnsafeNameError } from '../../files/artifacts/errors.js';
import { memberName } from './combinations.js';
import { RequestError, type RequestProblem } from './errors.js';
import type { Pipeline } from './pipeline.js';
import { plainCopy, type CopyLimits } from './plain-copy.js';
import { checkSentPipeline, digestProblems, isPlainPath } from './request.js';
import { show } from './schema-problems.js';
import type { Combination } from './sweep.js';

/** Two thousand members with their outcomes have fewer values. The texts include the pipeline file. */
export const requestLimits: CopyLimits = { values: 1_000_000, text: 1_000_000 };

/** Number of problems after which the remaining members are not checked. */
const enough = 50;

/** How workflow code makes a member's pipeline: from the base, and replacements in it. @throws TypeError if the base has no such value */
export type WithChanges = (base: unknown, changes: [path: (string | number)[], value: unknown][]) => unknown;
type Changes = Parameters<WithChanges>[1];

/** What the requests of sweeps and searches have in common. */
export interface SentRunGroup {
  base: unknown;
  members: { name: string; values: Combination; changes: Changes; configDigest: string }[];
  source: { path: string; folder: string };
}

/** Throws the problems, if any. @throws RequestError */
export function refuseIf(problems: readonly RequestProblem[]): void {
  if (problems.length > 0) throw new RequestError(problems);
}

/** Checks the paths of the pipeline file and of the folder that the request names as its source. */
export function pathProblems({ source }: SentRunGroup): RequestProblem[] {
  return (['path', 'folder'] as const).filter((key) => !isPlainPath(source[key]))
    .map((key) => ({ at: `request.source.${key}`, message: `it is ${show(source[key])}; expected an absolute path. Send that of the ${key === 'path' ? 'pipeline file' : "sweep or search file's folder"}.` }));
}

/**
 * Checks the name, pipeline and digest of every member. Lets other work of the process continue meanwhile.
 * @param familyId workflow id of the sweep or search, with which the names of its members begin
 * @param command the command that makes such requests, for messages
 */
export async function checkMembers({ base, members }: SentRunGroup, familyId: string, withChanges: WithChanges, command: string): Promise<{ members: { name: string; pipeline: Pipeline }[]; problems: RequestProblem[] }> {
  const problems: RequestProblem[] = [];
  const checked: { name: string; pipeline: Pipeline }[] = [];
  const names = new Set<string>();
  for (const [index, { name, values, changes, configDigest }] of members.entries()) {
    const at = `request.members[${index}]`;
    if (index % 20 === 0) await turn();
    problems.push(...nameProblems(name, values, names, familyId, `${at}.name`, command));
    const changed = changedBase(base, changes, withChanges);
    if (changed === undefined) problems.push({ at: `${at}.changes`, message: `a change names a value that the base pipeline does not have; expected keys of the base. Use \`${command}\`.` });
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
function nameProblems(name: string, values: Combination, before: Set<string>, familyId: string, at: string, command: string): RequestProblem[] {
  const expected = memberName(values);
  if (name !== expected) return [{ at, message: `it is ${show(name)}; expected ${show(expected)}, which follows from the values. Use \`${command}\`.` }];
  if (before.has(name)) return [{ at, message: `a second member has the name ${show(name)}; expected unique names. Remove one of the two.` }];
  before.add(name);
  try {
    checkedName(`${familyId}.${name}`, 'workflow id');
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
    // A change can replace anything with anything, so its result is as untrusted as the request.
    return { pipeline: plainCopy(withChanges(base, changes), 'pipeline', requestLimits) };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
