import { existsSync } from 'node:fs';
import { loadLock, type Lock } from '../config/index.js';
import { CommandLineError } from './errors.js';

/** `--locked [LOCKFILE]`: true if no file is given. */
export interface LockOptions {
  locked?: string | true;
}

/** Path of the lock of a pipeline file: `demo.lock.yaml` beside `demo.yaml`. */
export function lockBeside(file: string): string {
  return `${file.replace(/\.ya?ml$/i, '')}.lock.yaml`;
}

/**
 * Loads the lock that a command line asks for; undefined if it asks for none.
 * @throws CommandLineError if there is no such file, PipelineFileError if it is not a lock
 */
export function loadLockFor(file: string, { locked }: LockOptions): Lock | undefined {
  if (locked === undefined) return undefined;
  const path = locked === true ? lockBeside(file) : locked;
  if (!existsSync(path)) {
    throw new CommandLineError({
      what: 'there is no lock',
      where: path,
      expected: 'the pipeline.lock.yaml that a run wrote next to its report',
      remedy: locked === true ? 'Copy one there, or name it: --locked LOCKFILE' : 'Check the path',
    });
  }
  return loadLock(path);
}
