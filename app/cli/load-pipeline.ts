import { loadPipeline, type ParsedPipeline } from '../config/index.js';
import type { GlobalOptions } from './options.js';

/**
 * The pipeline of a file under the command line's overrides. Warnings go to stderr.
 * @throws PipelineFileError
 */
export function loadPipelineFile(file: string, { set, allowFloating }: Pick<GlobalOptions, 'set' | 'allowFloating'>): ParsedPipeline {
  const parsed = loadPipeline(file, set, { allowFloating });
  for (const { line, column, message } of parsed.warnings) {
    process.stderr.write(`${line === 0 ? file : `${file}:${line}:${column}`}: warning: ${message}\n`);
  }
  return parsed;
}
