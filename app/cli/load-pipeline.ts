import { loadPipeline, type ParsedPipeline } from '../config/index.js';
import type { GlobalOptions } from './options.js';

/** How a command loads a pipeline: its options, and `files` if the files must exist on this machine. */
export type LoadOptions = Pick<GlobalOptions, 'set' | 'allowFloating'> & { files?: boolean };

/**
 * Loads the pipeline of a file, with the overrides of the command line. Warnings go to stderr.
 * @throws PipelineFileError
 */
export function loadPipelineFile(file: string, { set, allowFloating, files = false }: LoadOptions): ParsedPipeline {
  const parsed = loadPipeline(file, set, { allowFloating, files });
  for (const { line, column, message } of parsed.warnings) {
    process.stderr.write(`${line === 0 ? file : `${file}:${line}:${column}`}: warning: ${message}\n`);
  }
  return parsed;
}
