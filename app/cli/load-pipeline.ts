import { loadPipeline, type ParsedPipeline } from '../config/index.js';
import type { GlobalOptions } from './options.js';

/** How a command loads a pipeline: with its options, and `files` where the files have to be on this machine. */
export type LoadOptions = Pick<GlobalOptions, 'set' | 'allowFloating'> & { files?: boolean };

/**
 * The pipeline of a file under the command line's overrides. Warnings go to stderr.
 * @throws PipelineFileError
 */
export function loadPipelineFile(file: string, { set, allowFloating, files = false }: LoadOptions): ParsedPipeline {
  const parsed = loadPipeline(file, set, { allowFloating, files });
  for (const { line, column, message } of parsed.warnings) {
    process.stderr.write(`${line === 0 ? file : `${file}:${line}:${column}`}: warning: ${message}\n`);
  }
  return parsed;
}
