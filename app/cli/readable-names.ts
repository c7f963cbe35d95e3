import { CommandLineError } from './errors.js';

/** What Node puts in the place of bytes that are not UTF-8. */
const replacement = '\ufffd';

/**
 * Refuses names that are not UTF-8. Node replaces their odd bytes, so that the files could not be found again, or others would be made.
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

/** A current folder that has been removed is for those to tell who need it. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
