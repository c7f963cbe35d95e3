import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockTimeoutError } from '../errors.js';
import { identify, isAlive, type ProcessIdentity } from './process-records.js';

/** `EEXIST` and the like, as false; anything else is thrown. */
async function succeeds(operation: Promise<void>, refusal: string): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === refusal) return false;
    throw error;
  }
}

async function holderOf(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

/**
 * Takes a dead holder's lock away. Renaming lets only one process win; if what it got is not what it saw,
 * somebody else was faster and has taken the lock anew: it is put back.
 */
async function removeStale(file: string, seen: string): Promise<void> {
  const mine = `${file}.${process.pid}.stale`;
  if (!(await succeeds(rename(file, mine), 'ENOENT'))) return;
  if ((await holderOf(mine)) !== seen) await succeeds(link(mine, file), 'EEXIST');
  await rm(mine, { force: true });
}

let serial = 0;

/**
 * Runs `work` while no other process runs work under the same lock file. A lock whose holder has died is taken over.
 * @throws LockTimeoutError
 */
export async function withLock<T>(file: string, work: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const own = JSON.stringify({ ...identify(process.pid), serial: (serial += 1) });
  const draft = `${file}.${process.pid}.${serial}`;
  await writeFile(draft, own);
  try {
    const giveUp = Date.now() + timeoutMs;
    // A link appears with its content, so that nobody ever reads an empty lock.
    while (!(await succeeds(link(draft, file), 'EEXIST'))) {
      const holder = await holderOf(file);
      if (holder !== undefined && !isAlive(JSON.parse(holder) as ProcessIdentity)) await removeStale(file, holder);
      else if (Date.now() > giveUp) {
        throw new LockTimeoutError({ what: `held for ${timeoutMs / 1000} s by ${holder ?? 'another process'}`, where: file, todo: 'End that process, or wait for it' });
      } else await sleep(50);
    }
    try {
      return await work();
    } finally {
      if ((await holderOf(file)) === own) await rm(file, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}
