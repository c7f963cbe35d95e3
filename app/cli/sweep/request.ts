import { digestOf } from '../../../files/artifacts/digest.js';
import { combinationsOf, maximumMembers, memberName, membersOf, PipelineFileError, type ParsedMember, type ParsedSweep, type SweepChoice, type SweepValue } from '../../config/index.js';
import { placeOf } from '../../config/errors.js';
import type { Pipeline } from '../../config/pipeline.js';
import { changesBetween } from '../../../workflows/changes.js';
import type { AddedMembers, SweepMember, SweepRequest } from '../../../workflows/sweep-protocol.js';
import { CommandLineError } from '../errors.js';

/** Each member adds some kilobytes and its result to a sweep's history. */
const membersPerRun = 100;

/** The argument of a sweep's workflow. */
export function sweepRequestFor({ source, matrix, exclude, include, members, ...settings }: ParsedSweep): SweepRequest {
  const { name, maxParallel, stopWhen, best } = settings;
  const base = members[0].pipeline;
  return {
    name,
    maxParallel,
    ...(stopWhen && { stopWhen }),
    ...(best && { best }),
    base,
    members: inOrder(members, stopWhen?.along).map((member) => asMember(member, base)),
    outcomes: {},
    membersPerRun,
    searchable: [],
    source,
    choice: { matrix, exclude, include },
  };
}

/** The same settings and members have the same id, so starting a sweep again attaches to it, or resumes it. */
export function sweepIdOf({ name, maxParallel, stopWhen, best, members }: SweepRequest): string {
  const digest = digestOf({ maxParallel, stopWhen: { ...stopWhen }, best: { ...best }, members: members.map((member) => [member.name, member.configDigest]) });
  return `${name}-${digest.slice(0, 16)}`;
}

/** A member as a difference from the base. */
export function asMember({ name, values, pipeline, digest }: ParsedMember, base: Pipeline): SweepMember {
  return { name, values, changes: changesBetween(base, pipeline), configDigest: digest };
}

/**
 * Sorts members. Small values at `along` come first, because they may show that larger ones are pointless. Among equal values, members with
 * different beginnings come first, so that members running at the same time seldom wait for the same work; later members with the same
 * beginning reuse it. Otherwise the order is that of the file.
 */
function inOrder(members: readonly ParsedMember[], along = ''): ParsedMember[] {
  const size = ({ values }: ParsedMember): number => Number(values[along] ?? 0);
  const seen = new Map<string, number>();
  const ranked = members.map((member) => {
    const beginning = beginningOf(member.pipeline);
    const rank = seen.get(beginning) ?? 0;
    seen.set(beginning, rank + 1);
    return { member, rank };
  });
  return ranked.sort((a, b) => size(a.member) - size(b.member) || a.rank - b.rank).map(({ member }) => member);
}

/** Everything up to and including the initial mask. */
function beginningOf({ model, engine, stages }: Pipeline): string {
  return JSON.stringify([model, engine, stages.slice(0, stages.findIndex(({ type }) => type === 'initialMask') + 1)]);
}

/**
 * Returns the members for more values of a sweep's matrix.
 * @param words `path=value` each; the path is one of the matrix, or the end of one
 * @throws CommandLineError
 */
export function addedMembers({ source, choice, members, base, stopWhen }: SweepRequest, words: readonly string[]): AddedMembers {
  const matrix = Object.fromEntries(Object.entries(choice.matrix).map(([path, values]) => [path, [...values]]));
  for (const word of words) {
    const equals = word.indexOf('=');
    const path = pathIn(matrix, word.slice(0, Math.max(equals, 0)), word);
    const value = valueOf(word.slice(equals + 1));
    if (!matrix[path].includes(value)) matrix[path].push(value);
  }
  const wider: SweepChoice = { ...choice, matrix };
  const known = new Set(members.map(({ name }) => name));
  const fresh = combinationsOf(wider).filter((values) => !known.has(memberName(values)));
  if (fresh.length === 0) throw new CommandLineError({ what: `the sweep already has all members with ${words.join(' ')}`, remedy: 'Give other values' });
  if (known.size + fresh.length > maximumMembers) {
    throw new CommandLineError({ what: `${known.size + fresh.length} members are too many`, expected: `at most ${maximumMembers} in a sweep`, remedy: 'Start another sweep' });
  }
  try {
    const parsed = membersOf(source, fresh, (problems) => {
      throw new PipelineFileError(source.path, problems);
    });
    return { members: inOrder(parsed, stopWhen?.along).map((member) => asMember(member, base)), choice: wider };
  } catch (error) {
    if (!(error instanceof PipelineFileError)) throw error;
    const lines = error.problems.map((problem) => `${placeOf(source.path, problem).replace(/^--set /, '')}: ${problem.message}`);
    throw new CommandLineError({ what: `these values cannot be added: ${lines.join('\n  ').replace(/\.$/, '')}` }, { cause: error });
  }
}

function pathIn(matrix: SweepChoice['matrix'], text: string, word: string): string {
  const paths = Object.keys(matrix);
  const found = text === '' ? [] : paths.filter((path) => path === text || path.endsWith(`.${text}`));
  const [path, ...others] = found.includes(text) ? [text] : found;
  if (path !== undefined && others.length === 0) return path;
  throw new CommandLineError({ what: `${word} does not name a value of the sweep's matrix`, expected: paths.map((known) => `${known}=VALUE`).join(' or ') });
}

/** Reads a single value as YAML does. */
function valueOf(text: string): SweepValue {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : text.replace(/^(["'])(.*)\1$/, '$2');
}
