import { resolveState } from './state.js';

/** Quotes a word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of this program, for a person to copy. */
export function commandText(words: readonly string[]): string {
  return ['npx', 'temporal-pipeline', ...words].map(quoted).join(' ');
}

/** The options by which another command here finds the same state; empty if it finds the state without them. */
export function stateWords(state: string): string[] {
  return state === resolveState(undefined) ? [] : ['--state', state];
}

/** The command line of this process, to be run again. */
export function thisCommand(): string {
  return commandText(process.argv.slice(2));
}
