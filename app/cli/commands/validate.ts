import { isSearchFile, PipelineFileError } from '../../config/index.js';
import { exitCode } from '../exit-codes.js';
import { loadPipelineFile } from '../load-pipeline.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/**
 * `validate FILE`: says what the pipeline or search means, or everything that is wrong with it. With `files`, also checks that the files it
 * names are here.
 * @returns the exit code
 * @throws PipelineFileError, unless `json` shows the problems itself
 */
export async function validateCommand(file: string, options: GlobalOptions, { files }: { files: boolean }): Promise<number> {
  try {
    if (isSearchFile(file)) return (await import('./search-control.js')).searchValidateCommand(file, options);
    const { pipeline, digest, warnings } = loadPipelineFile(file, { ...options, files });
    const stages = pipeline.stages.map(({ type }) => type);
    if (options.json) printJson({ valid: true, name: pipeline.name, digest, stages, warnings, problems: [] });
    else process.stdout.write(`${file}: ok: ${pipeline.name}, ${stages.join(' -> ')} (digest ${digest.slice(0, 16)})\n`);
    return exitCode.done;
  } catch (error) {
    if (!options.json || !(error instanceof PipelineFileError)) throw error;
    printJson({ valid: false, warnings: [], problems: error.problems });
    return exitCode.wrongInput;
  }
}
