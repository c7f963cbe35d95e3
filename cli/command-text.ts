/** A word as a POSIX shell needs it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of ours, to be copied by a person. */
export function commandText(words: readonly string[]): string {
  return ['npx', 'temporal-pipeline', ...words].map(quoted).join(' ');
}

/** The command line of this process, to be run again. */
export function thisCommand(): string {
  return commandText(process.argv.slice(2));
}
