import { shellWord } from '../report/shell-word.js';
import { resolveState } from './state.js';

/** A command line of this program, for a person to copy. */
export function commandText(words: readonly string[]): string {
  return ['npx', 'temporal-pipeline', ...words].map(shellWord).join(' ');
}

/** The options by which another command here finds the same state; empty if it finds the state without them. */
export function stateWords(state: string): string[] {
  return state === resolveState(undefined) ? [] : ['--state', state];
}

/** The command that starts a worker for a task queue. */
export function workerCommand(taskQueue: string, state: string): string {
  return commandText(['worker', '--task-queue', taskQueue, ...stateWords(state)]);
}

/** The command line of this process, to be run again. */
export function thisCommand(): string {
  return commandText(process.argv.slice(2));
}
