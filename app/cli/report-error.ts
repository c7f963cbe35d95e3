import { CommanderError } from 'commander';
import { describeProblems } from '../config/describe.js';
import { PipelineFileError } from '../config/errors.js';
import { readText } from '../config/read-text.js';
import { Fault } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { Interrupted, WrongInputError } from './errors.js';
import { exitCode } from './exit-codes.js';
import { printJson } from './output.js';

/** The message about an error, for a person. */
interface ErrorReport {
  text: string;
  isWrongInput: boolean;
}

/** Prints what went wrong and returns the exit code. Only unexpected errors get a stack trace, and only with `verbose`. */
export async function reportError(error: unknown, { json, verbose }: { json: boolean; verbose: boolean }): Promise<number> {
  const { text, isWrongInput } = await explain(error, verbose);
  // Commander has already printed its own message.
  if (!(error instanceof CommanderError)) process.stderr.write(`${withoutSecrets(text)}\n`);
  if (json) printJson({ status: error instanceof Interrupted ? 'interrupted' : 'failed', error: asJson(error) });
  if (error instanceof Interrupted) return exitCode.interrupted;
  return isWrongInput ? exitCode.wrongInput : exitCode.runFailed;
}

function asJson(error: unknown): object {
  if (error instanceof PipelineFileError) return { type: error.name, message: error.message, problems: error.problems };
  if (error instanceof CommanderError) return { type: 'CommandLineError', message: error.message === '(outputHelp)' ? 'no command was given' : error.message.replace(/^error: /, '') };
  return error instanceof Error ? { type: error.name, message: withoutSecrets(error.message) } : { type: 'Error', message: withoutSecrets(String(error)) };
}

async function explain(error: unknown, verbose: boolean): Promise<ErrorReport> {
  if (error instanceof CommanderError) return { text: error.message, isWrongInput: true };
  if (error instanceof PipelineFileError) return { text: describeProblems(error, textOf(error.path)), isWrongInput: true };
  if (error instanceof Interrupted) return { text: 'Interrupted.', isWrongInput: false };
  if (error instanceof Fault) return { text: error.message, isWrongInput: error instanceof WrongInputError };
  if (!(error instanceof Error)) return { text: String(error), isWrongInput: false };
  // Loaded only now, because Temporal's client is large, and commands that need no server fail without it.
  const { serverFailure } = await import('./server-failure.js');
  const unforeseen = verbose ? (error.stack ?? error.message) : `${error.name}: ${error.message}\nThis should not happen; --verbose shows where it happened.`;
  return serverFailure(error) ?? { text: unforeseen, isWrongInput: false };
}

function textOf(file: string): string {
  try {
    return readText(file);
  } catch {
    // The unreadable file is the very problem that is being reported.
    return '';
  }
}
