import { CommandLineError } from './errors.js';

/** What Node puts in place of bytes that are not UTF-8. */
const replacement = '\ufffd';

/**
 * Rejects names that are not UTF-8. Node replaces the invalid bytes, so the files would not be found, or others would be created.
 * @param words of the command line
 * @throws CommandLineError
 */
export function checkReadable(words: readonly string[], { folder = currentFolder(), environment = process.env }: { folder?: string; environment?: NodeJS.ProcessEnv } = {}): void {
  const remedy = 'Rename the file or folder, or give it a symbolic link with a name that is UTF-8';
  const refuse = (where: string, text: string): never => {
    throw new CommandLineError({ where, what: `${JSON.stringify(text)} has bytes that are not UTF-8`, expected: 'names in UTF-8', remedy });
  };
  for (const word of words) if (word.includes(replacement)) refuse('command line', word);
  if (folder.includes(replacement)) refuse('current folder', folder);
  for (const name of ['LLM_BARBER_STATE', 'LLM_BARBER_STORE']) {
    const text = environment[name];
    if (text?.includes(replacement)) refuse(name, text);
  }
}

/** If the current folder has been removed, the code that needs it reports that. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
