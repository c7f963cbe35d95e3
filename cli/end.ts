import { ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { CommanderError } from 'commander';
import { describeProblems, PipelineFileError, readText } from '../config/index.js';
import { Fault } from '../errors/fault.js';
import { withoutSecrets } from '../errors/secrets.js';
import { isOutage } from './client.js';
import { Interrupted, WrongInputError } from './errors.js';
import { exitCode } from './exit-codes.js';
import { printJson } from './show-outcome.js';

/** Tells the person what went wrong, without a stack trace unless nobody expected it and `verbose` asks, and gives the exit code. */
export function exitCodeFor(error: unknown, { json, verbose }: { json: boolean; verbose: boolean }): number {
  // Commander has said its piece already.
  if (!(error instanceof CommanderError)) process.stderr.write(`${withoutSecrets(explain(error, verbose))}\n`);
  if (json) printJson({ status: error instanceof Interrupted ? 'interrupted' : 'failed', error: asJson(error) });
  if (error instanceof Interrupted) return exitCode.interrupted;
  const isWrongInput = error instanceof CommanderError || error instanceof PipelineFileError || error instanceof WrongInputError || error instanceof NamespaceNotFoundError;
  return isWrongInput ? exitCode.wrongInput : exitCode.runFailed;
}

function asJson(error: unknown): object {
  if (error instanceof PipelineFileError) return { type: error.name, message: error.message, problems: error.problems };
  return error instanceof Error ? { type: error.name, message: withoutSecrets(error.message) } : { type: 'Error', message: withoutSecrets(String(error)) };
}

function explain(error: unknown, verbose: boolean): string {
  if (error instanceof PipelineFileError) return describeProblems(error, textOf(error.path));
  if (error instanceof Interrupted) return 'Interrupted.';
  if (error instanceof Fault) return error.message;
  if (isOutage(error)) return 'The Temporal server does not answer. Run the same command again.';
  if (error instanceof NamespaceNotFoundError) return `The Temporal server has no namespace ${error.namespace}. Set TEMPORAL_NAMESPACE to one that it has.`;
  if (error instanceof ServiceError) return serverRefusal(error);
  if (!(error instanceof Error)) return String(error);
  return verbose ? (error.stack ?? error.message) : `${error.name}: ${error.message}\nThis should not happen; --verbose shows where it did.`;
}

/** For instance a namespace that does not exist, or a permission that is missing. */
function serverRefusal({ message, cause }: ServiceError): string {
  const reason = cause instanceof Error && 'details' in cause && typeof cause.details === 'string' ? `: ${cause.details}` : '';
  return `The Temporal server refuses: ${message}${reason}.`;
}

function textOf(file: string): string {
  try {
    return readText(file);
  } catch {
    // That it cannot be read is the problem that is being described.
    return '';
  }
}

/** Ends the process once everything written has left it, whatever handles libraries still hold. */
export async function endProcess(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  process.exit(code);
}
