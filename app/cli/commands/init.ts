import { existsSync, writeFileSync } from 'node:fs';
import { parsePipeline } from '../../config/parse.js';
import { commandText } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { completeAnswers, inTerminal, type Given } from '../init/ask.js';
import { pipelineFor } from '../init/write.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/** Options specific to `init`: the answers, and whether an existing file may be overwritten. */
export type InitOptions = Given & { force: boolean };

/**
 * `init [FILE]`: asks what to prune, and writes a pipeline with comments.
 * @returns the exit code
 * @throws CommandLineError, Interrupted
 */
export async function initCommand(file: string, { force, ...given }: InitOptions, { allowFloating, json }: GlobalOptions): Promise<number> {
  if (existsSync(file) && !force) throw new CommandLineError({ where: file, what: 'the file already exists', remedy: 'Name another file, or overwrite it with --force' });
  const asking = { allowFloating, say: (line: string) => void process.stderr.write(`${line}\n`) };
  const answers = process.stdin.isTTY ? await inTerminal((ask) => completeAnswers(given, ask, asking)) : await completeAnswers(given, undefined, asking);
  const text = pipelineFor(answers, file);
  const { pipeline } = parsePipeline({ text, path: file, allowFloating });
  writeFileSync(file, text);
  if (json) printJson({ file, name: pipeline.name });
  else process.stdout.write(`Written: ${file}. Next: ${commandText(['plan', file])} shows what it needs, ${commandText(['run', file])} runs it.\n`);
  return exitCode.done;
}
