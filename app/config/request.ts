import { isAbsolute } from 'node:path';
import { digestOf } from '../../files/artifacts/digest.js';
import { checkData } from './check-data.js';
import { maxValues } from './document.js';
import { RequestError, type RequestProblem } from './errors.js';
import { fileForm } from './file-form.js';
import { looksLikeRepository } from '../../files/hub/model-source.js';
import type { Pipeline } from './pipeline.js';
import type { Lock } from './lock.js';
import { olderLock } from './parse-lock.js';
import { plainCopy, type CopyLimits } from './plain-copy.js';
import { segmentsOf } from './source-locations.js';
import { lockFile, stageTypes } from './schema.js';
import { schemaProblems, show, type ValueProblem } from './schema-problems.js';
import { isMapping } from './stages.js';

/** Keeps messages short, even with long quotes. */
const longestMessage = 600;
/** No system has longer paths. */
const longestPath = 4096;
/** Same number of values as for a file. No text of a request is longer than a path. */
const limits: CopyLimits = { values: maxValues, text: longestPath };

/**
 * Checks a run's request that a worker has received. Anyone who may start workflows can send requests, with or without this program's
 * client. So they are checked with the same schema and the same semantic checks as files.
 * @param sent an object; only the keys of a run are read
 * @throws RequestError with every problem found
 */
export function checkRequest(sent: Readonly<Record<'pipeline' | 'configDigest' | 'folder' | 'anew' | 'lock', unknown>>): void {
  const { pipeline, problems } = checkSentPipeline(plainCopy(sent.pipeline, 'pipeline', limits), 'pipeline');
  const all = [...problems, ...folderProblems(sent.folder), ...lockProblems(sent.lock)];
  if (pipeline !== undefined) all.push(...digestProblems(sent.configDigest, pipeline, 'configDigest'), ...anewProblems(sent.anew, pipeline));
  if (all.length > 0) throw new RequestError(all);
}

/**
 * Checks a resolved pipeline: it must equal what its own file form resolves to.
 * @param sent a plain copy
 * @param at its place in the request
 */
export function checkSentPipeline(sent: unknown, at: string): { pipeline?: Pipeline; problems: RequestProblem[] } {
  const unnamed = unnamedStages(sent, at);
  if (unnamed.length > 0) return { problems: unnamed };
  // Only the client knows the file's folder. A path that is not absolute shows as a difference.
  const { pipeline, problems } = checkData(documentOf(sent), { allowFloating: true, baseOf: () => '/', isRepository: looksLikeRepository });
  if (pipeline === undefined) return { problems: located(problems, at) };
  const different = differences(sent, pipeline, at);
  return different.length > 0 ? { problems: different } : { pipeline, problems: [] };
}

/** Maps problems of values to their places in the request. */
export function located(problems: readonly ValueProblem[], at: string): RequestProblem[] {
  const all = problems.map(({ pointer, message }) => ({ at: segmentsOf(pointer).reduce(within, at), message: clipped(message) }));
  // Two keywords of the schema may report the same problem for one value.
  return [...new Map(all.map((problem) => [`${problem.at}\n${problem.message}`, problem])).values()];
}

/** Checks the digest by which results name the pipeline. */
export function digestProblems(sent: unknown, pipeline: Pipeline, at: string): RequestProblem[] {
  if (sent === undefined) return [];
  const digest = digestOf(pipeline);
  return sent === digest ? [] : [{ at, message: `it is ${show(sent)}; expected ${digest}, the SHA-256 of the pipeline. Send that.` }];
}

/** Whether something is an absolute path that a system would accept. */
export const isPlainPath = (path: unknown): path is string => typeof path === 'string' && path.length <= longestPath && isAbsolute(path);

function folderProblems(folder: unknown): RequestProblem[] {
  if (folder === undefined || isPlainPath(folder)) return [];
  return [{ at: 'folder', message: `it is ${show(folder)}; expected an absolute path, at most ${longestPath} characters. Send that of the pipeline file's folder.` }];
}

function lockProblems(lock: unknown): RequestProblem[] {
  if (lock === undefined) return [];
  const copy = plainCopy(lock, 'lock', limits);
  const problems = schemaProblems(copy, lockFile);
  return located(problems.length > 0 ? problems : olderLock(copy as Lock), 'lock');
}

function anewProblems(anew: unknown, { stages }: Pipeline): RequestProblem[] {
  if (anew === undefined) return [];
  const { from, since } = isMapping(anew) ? anew : {};
  const isStage = typeof from === 'number' && stages[from] !== undefined;
  const isTime = typeof since === 'string' && since.length < 40 && /^\d{4}-\d\d-\d\dT/.test(since) && !Number.isNaN(Date.parse(since));
  return [
    ...(isStage ? [] : [{ at: 'anew.from', message: `it is ${show(from)}; expected the index of a stage, 0 to ${stages.length - 1}. Use \`temporal-pipeline retry\`.` }]),
    ...(isTime ? [] : [{ at: 'anew.since', message: `it is ${show(since)}; expected a time such as 2026-01-31T12:00:00Z. Use \`temporal-pipeline retry\`.` }]),
  ];
}

const howToSend = 'Start the run with `temporal-pipeline start`, or send the same request.';

/** Stages of a request name their type in `type`, not in the key that holds them. */
function unnamedStages(sent: unknown, at: string): RequestProblem[] {
  const stages = isMapping(sent) && Array.isArray(sent['stages']) ? (sent['stages'] as unknown[]) : [];
  return stages.flatMap((stage, index) => {
    if (!isMapping(stage) || typeof stage['type'] === 'string') return [];
    const expected = stageTypes.map((type) => `\`${type}\``).join(', ');
    return [{ at: `${at}.stages[${index}].type`, message: `the type of the stage is ${show(stage['type'])}; expected one of ${expected}. ${howToSend}` }];
  });
}

/** Writes a resolved pipeline in the syntax of a file. Wrong values are kept, so that the schema reports them. */
function documentOf(sent: unknown): unknown {
  if (!isMapping(sent)) return sent;
  const { stages, gates, ...head } = sent;
  const form = fileForm({ stages: Array.isArray(stages) ? stages.filter(isMapping) : [], gates: Array.isArray(gates) ? gates.filter(isGate) : [] } as unknown as Pipeline);
  const [stagesInForm, gatesInForm] = [form['stages'], form['gates']] as unknown[][];
  const inTurn = (items: unknown, isOne: (item: unknown) => boolean, forms: unknown[]): unknown =>
    Array.isArray(items) ? items.map((item: unknown) => (isOne(item) ? forms.shift() : item)) : items;
  return plainCopy({ ...head, stages: inTurn(stages, isMapping, stagesInForm), gates: inTurn(gates, isGate, gatesInForm) }, 'pipeline', { values: Infinity, text: Infinity });
}

const isGate = (gate: unknown): boolean => isMapping(gate) && gate['check'] !== undefined;

/** Finds where a resolved pipeline differs from what its file form means. */
function differences(sent: unknown, meant: unknown, at: string): RequestProblem[] {
  if (Array.isArray(sent) && Array.isArray(meant) && sent.length === meant.length) {
    return meant.flatMap((item: unknown, index) => differences(sent[index], item, within(at, String(index))));
  }
  if (isMapping(sent) && isMapping(meant)) {
    return [...new Set([...Object.keys(meant), ...Object.keys(sent)])].flatMap((key) => differences(sent[key], meant[key], within(at, key)));
  }
  if (Object.is(sent, meant)) return [];
  const expected = meant === undefined ? 'nothing here' : show(meant);
  return [{ at, message: sent === undefined ? `it is missing; expected ${expected}. ${howToSend}` : `it is ${show(sent)}; expected ${expected}. ${howToSend}` }];
}

/** Appends a key to a place: `stages[2]`, `stages[2].states`. */
function within(at: string, key: string): string {
  return /^\d+$/.test(key) ? `${at}[${key}]` : `${at}.${key.length > 60 ? `${key.slice(0, 57)}...` : key}`;
}

const clipped = (message: string): string => (message.length > longestMessage ? `${message.slice(0, longestMessage - 3)}...` : message);
