import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { deepFreeze, digestOf } from './digest.js';
import { readDocument } from './document.js';
import type { SourceDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import type { PipelineProblem, PipelineWarning } from './errors.js';
import { applyOverrides } from './overrides.js';
import type { Pipeline } from './pipeline.js';
import { resolvePipeline } from './resolve.js';
import type { CheckedFile } from './resolve.js';
import { schemaProblems } from './schema-problems.js';
import type { ValueProblem } from './schema-problems.js';
import { semanticProblems } from './semantics.js';

export interface ParseOptions {
  /** Lets a Hugging Face repository id go without `revision`. */
  allowFloating?: boolean;
  /** Folder that relative paths in overrides start from; the current one unless given. */
  currentFolder?: string;
}

export interface ParseRequest extends ParseOptions {
  /** YAML. */
  text: string;
  /** The file that the text is from: relative paths start from its folder, and messages name it. */
  path: string;
  /** `a.b=c` of `--set`, applied in order. */
  overrides?: readonly string[];
}

export interface ParsedPipeline {
  /** Checked, defaulted, paths absolute, frozen all the way down. */
  pipeline: Pipeline;
  /** SHA-256 of the pipeline's canonical JSON, hexadecimal. */
  digest: string;
  warnings: PipelineWarning[];
}

const maxBytes = 1_000_000;

/**
 * YAML text to a pipeline. Only looks at the disk to tell a model folder from a repository id.
 * @throws PipelineFileError with every problem found
 */
export function parsePipeline({ text, path, overrides = [], allowFloating = false, currentFolder = process.cwd() }: ParseRequest): ParsedPipeline {
  const file = resolve(path);
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(file, Buffer.byteLength(text));
  const source = readDocument(text);
  const overrideProblems = typeof source.value === 'object' && source.value !== null ? applyOverrides(source.value, overrides, source.places) : [];
  const problems: PipelineProblem[] = [
    ...overrideProblems.map(({ override, message }) => ({ line: 0, column: 0, message, override })),
    ...source.problems.map(({ offset, message }) => ({ ...positionOf(source, offset), message })),
  ];
  if (source.value === undefined) throw new PipelineFileError(file, inOrder(problems));

  const folder = dirname(file);
  const baseOf = (pointer: string) => (source.places.find(pointer).override === undefined ? folder : currentFolder);
  const shape = schemaProblems(source.value);
  const meaning = semanticProblems(source.value, { allowFloating, baseOf });
  problems.push(...[...shape, ...meaning.problems].map((problem) => located(source, problem)));
  if (problems.length > 0) throw new PipelineFileError(file, inOrder(problems));

  const pipeline = deepFreeze(resolvePipeline(source.value as CheckedFile, baseOf));
  return { pipeline, digest: digestOf(pipeline), warnings: inOrder(meaning.warnings.map((warning) => located(source, warning))) };
}

/**
 * Reads and parses a pipeline file.
 * @throws PipelineFileError with every problem found, the file's being unreadable, not UTF-8 or over 1 MB included
 */
export function loadPipeline(path: string, overrides: readonly string[] = [], options: ParseOptions = {}): ParsedPipeline {
  return parsePipeline({ text: readText(resolve(path)), path, overrides, ...options });
}

/**
 * Text of a pipeline file, for showing lines of it beside problems.
 * @throws PipelineFileError if it cannot be read, is not UTF-8 or is over 1 MB
 */
export function readText(path: string): string {
  let bytes: Buffer;
  try {
    const handle = openSync(path, 'r');
    try {
      const { size } = fstatSync(handle);
      if (size > maxBytes) throw tooLarge(path, size);
      bytes = readFileSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (error instanceof PipelineFileError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'this is a folder' : `cannot be read (${code})`;
    throw new PipelineFileError(path, [{ line: 0, column: 0, message: `${what}; expected a pipeline file. Check the path.` }]);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new PipelineFileError(path, [notUtf8(bytes)]);
  }
}

function tooLarge(path: string, bytes: number): PipelineFileError {
  return new PipelineFileError(path, [{ line: 1, column: 1, message: `${bytes} bytes; expected a pipeline file of at most ${maxBytes}. Check that this is the right file.` }]);
}

/** Finds the first byte that is not UTF-8. No multi-byte character contains the byte of a line end, so lines decode one by one. */
function notUtf8(bytes: Buffer): PipelineProblem {
  const replacement = '\uFFFD';
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const chunk = bytes.subarray(start, end < 0 ? bytes.length : end);
    const text = chunk.toString('utf8');
    if (!Buffer.from(text).equals(chunk)) {
      return { line, column: text.indexOf(replacement) + 1, message: 'a byte that is not UTF-8 text; expected UTF-8. Save the file in that encoding.' };
    }
    line += 1;
    start = end + 1;
  }
}

function positionOf(source: SourceDocument, offset: number): { line: number; column: number } {
  const { line, col } = source.lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function located(source: SourceDocument, { pointer, part, message }: ValueProblem): PipelineProblem {
  const place = source.places.find(pointer);
  if (place.override !== undefined) return { line: 0, column: 0, message, override: place.override };
  return { ...positionOf(source, part === 'key' ? (place.key ?? place.value) : place.value), message };
}

function inOrder(problems: PipelineProblem[]): PipelineProblem[] {
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}
