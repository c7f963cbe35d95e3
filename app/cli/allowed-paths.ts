import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { CommandLineError } from './errors.js';

/**
 * Returns the folders that pipelines may read, with links resolved: those of `--allow-path`, else those of `LLM_BARBER_ALLOW_PATH`
 * (separated as in PATH), plus the state folder. Returns undefined if neither is given: then pipelines may read everything that this user
 * may.
 * @throws CommandLineError if one of them is not a folder
 */
export function allowedPaths(option: readonly string[], state: string, environment: NodeJS.ProcessEnv = process.env): string[] | undefined {
  const fromVariable = environment['LLM_BARBER_ALLOW_PATH']?.split(path.delimiter) ?? [];
  const folders = (option.length > 0 ? option : fromVariable).filter((folder) => folder !== '');
  return folders.length === 0 ? undefined : [...folders, state].map(realFolder);
}

function realFolder(folder: string): string {
  try {
    const real = realpathSync(folder);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Falls through to the error below, as a file does.
  }
  throw new CommandLineError({ where: `--allow-path ${folder}`, what: 'there is no such folder', expected: 'an existing folder', remedy: 'Correct --allow-path or LLM_BARBER_ALLOW_PATH' });
}
