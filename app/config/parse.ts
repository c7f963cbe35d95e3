import { dirname, resolve } from 'node:path';
import { digestOf } from '../../files/artifacts/digest.js';
import { checkData } from './check-data.js';
import { deepFreeze } from './deep-freeze.js';
import { readDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import type { PipelineProblem, PipelineWarning } from './errors.js';
import { notPipeline } from './file-kind.js';
import { located, positionOf, withCause } from './located.js';
import { isRepositoryId } from '../../files/hub/model-source.js';
import { missingFiles } from './missing-files.js';
import { applyOverrides } from './overrides.js';
import type { Pipeline } from './pipeline.js';
import { maxBytes, readText, tooLarge } from './read-text.js';

export interface ParseOptions {
  /** Accepts a Hugging Face repository id without `revision`. */
  allowFloating?: boolean;
  /** Reports a model, text or mask that is not on this machine as a problem. */
  files?: boolean;
  /** Folder that relative paths in overrides start from. Defaults to the current folder. */
  currentFolder?: string;
}

export interface ParseRequest extends ParseOptions {
  /** YAML. */
  text: string;
  /** Path of the file with the text. Relative paths start from its folder, and messages name it. */
  path: string;
  /** `a.b=c` of `--set`, applied in order. */
  overrides?: readonly string[];
}

export interface ParsedPipeline {
  /** Checked, with defaults and absolute paths, deeply frozen. */
  pipeline: Pipeline;
  /** SHA-256 of the pipeline's canonical JSON, hexadecimal. */
  digest: string;
  warnings: PipelineWarning[];
  /** Absolute path of the file's folder. */
  folder: string;
}

/**
 * Parses YAML text into a pipeline. Reads the disk only to tell a model folder from a repository id, and to look for files if `files` is
 * set.
 * @throws PipelineFileError with every problem found
 */
export function parsePipeline({ text, path, overrides = [], allowFloating = false, files = false, currentFolder = process.cwd() }: ParseRequest): ParsedPipeline {
  const file = resolve(path);
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(file, Buffer.byteLength(text));
  const source = readDocument(text);
  const overrideProblems = typeof source.value === 'object' && source.value !== null ? applyOverrides(source.value, overrides, source.locations) : [];
  const problems: PipelineProblem[] = [
    ...overrideProblems.map(({ override, message }) => ({ line: 0, column: 0, message, override })),
    ...source.problems.map(({ offset, message }) => ({ ...positionOf(source, offset), message })),
  ];
  if (source.value === undefined) throw new PipelineFileError(file, withCause(source, inOrder(problems)));
  const sweepInstead = notPipeline(source.value);
  if (sweepInstead !== undefined) throw new PipelineFileError(file, withCause(source, [located(source, sweepInstead)]));

  const folder = dirname(file);
  const baseOf = (pointer: string) => (source.locations.find(pointer).override === undefined ? folder : currentFolder);
  const checked = checkData(source.value, { allowFloating, baseOf, isRepository: (id) => isRepositoryId(id, baseOf('/model/source')) });
  const values = checked.problems.map((problem) => located(source, problem));
  // Where the YAML syntax is wrong, there is no value to check.
  const broken = [...problems];
  problems.push(...values.filter((value) => value.line === 0 || !broken.some(({ line, column }) => line === value.line && column === value.column)));
  if (problems.length > 0 || checked.pipeline === undefined) throw new PipelineFileError(file, withCause(source, inOrder(problems)));
  const absent = files ? missingFiles(checked.pipeline).map((problem) => located(source, problem)) : [];
  if (absent.length > 0) throw new PipelineFileError(file, inOrder(absent));
  const pipeline = deepFreeze(checked.pipeline);
  return { pipeline, digest: digestOf(pipeline), warnings: inOrder(checked.warnings.map((warning) => located(source, warning))), folder };
}

/**
 * Reads and parses a pipeline file.
 * @throws PipelineFileError with every problem found, or if the file is unreadable, not UTF-8 or over 1 MB
 */
export function loadPipeline(path: string, overrides: readonly string[] = [], options: ParseOptions = {}): ParsedPipeline {
  return parsePipeline({ text: readText(resolve(path)), path, overrides, ...options });
}

/** Sorts problems in the order of the file. A value that aliases repeat is reported once. */
function inOrder(problems: PipelineProblem[]): PipelineProblem[] {
  const sorted = problems.sort((a, b) => a.line - b.line || a.column - b.column);
  const key = ({ line, column, message, override = '' }: PipelineProblem) => [line, column, message, override].join('\n');
  return [...new Map(sorted.map((problem) => [key(problem), problem])).values()];
}
