/** Commands of other programs, with their equivalents here. */
const hintsByCommand: Readonly<Record<string, string>> = {
  status: '`list` shows all runs, and `watch` one of them.',
  ps: '`list` shows all runs.',
  ls: '`list` shows all runs.',
  logs: '`watch` shows what a run does. Logs are in `logs/` of the state folder.',
  stop: '`pause` keeps a run for later, and `cancel` ends it.',
  kill: '`cancel` ends a run.',
  continue: '`resume` continues a paused run, and `retry` one that has ended.',
  prune: '`run FILE` runs a pipeline, and `init` writes its file.',
  rm: '`store gc` removes artifacts that no run needs.',
};

/**
 * Returns the message about a wrong command line, with a better hint if the command is one of another program, or a file.
 * @param first first word of the command line; the words of groups such as `store` have other meanings
 */
export function withCommandHint(message: string, first: string | undefined): string {
  const [, word] = /^error: unknown command '([^']*)'/.exec(message) ?? [];
  if (word === undefined) return message;
  const hint = /\.ya?ml$/i.test(word) ? `A file needs a command, such as \`run ${word}\` or \`sweep run ${word}\`.` : word === first && Object.hasOwn(hintsByCommand, word) ? hintsByCommand[word] : undefined;
  return hint === undefined ? message : `error: unknown command '${word}'\n${hint}\n`;
}
