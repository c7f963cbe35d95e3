import { resolveState } from './state.js';

/** A word as a POSIX shell needs it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of ours, to be copied by a person. */
export function commandText(words: readonly string[]): string {
  return ['npx', 'temporal-pipeline', ...words].map(quoted).join(' ');
}

/** The words by which another command here finds the same state: none if it would find the state without them. */
export function stateWords(state: string): string[] {
  return state === resolveState(undefined) ? [] : ['--state', state];
}

/** The command line of this process, to be run again. */
export function thisCommand(): string {
  return commandText(process.argv.slice(2));
}
