import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockTimeoutError } from '../errors.js';
import { identify, isAlive, readJson, type ProcessIdentity } from './process-records.js';

/*
 * A lock is a series of files `<file>.<number>`. The highest number counts: its content names the holder, or is empty. A process takes the
 * lock by creating the next number, which only one process can do, and releases it by emptying its own file. The highest file is never
 * removed. So nobody has to remove a dead holder, which two processes could do at once.
 */
type Holder = ProcessIdentity | { pid: null };

let serial = 0;

/**
 * Runs `work` while nothing else, in this process or another, runs under the same lock. A lock whose holder has died is free.
 * @throws LockTimeoutError
 */
export async function withLock<T>(file: string, work: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.draft-${process.pid}-${(serial += 1)}`;
  await writeFile(draft, JSON.stringify(identify(process.pid)));
  try {
    const own = await take(file, draft, timeoutMs);
    await rm(draft);
    try {
      return await work();
    } finally {
      await writeFile(draft, JSON.stringify({ pid: null } satisfies Holder));
      await rename(draft, own);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes the lock and returns the file that now belongs to this process. */
async function take(file: string, draft: string, timeoutMs: number): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const highest = Math.max(0, ...(await numbers(file)));
    const holder = highest === 0 ? undefined : await readJson<Holder>(`${file}.${highest}`);
    if (holder !== undefined && holder.pid !== null && isAlive(holder)) {
      if (Date.now() > deadline) {
        const remedy = 'End that process, or wait for it';
        throw new LockTimeoutError({ what: `held for ${timeoutMs / 1000} s by process ${holder.pid}`, where: file, remedy });
      }
      await sleep(50);
    } else if (await linked(draft, `${file}.${highest + 1}`)) {
      const all = await numbers(file);
      // If this process listed the files long ago, others may have passed its number already.
      const isOurs = Math.max(...all) === highest + 1;
      for (const number of isOurs ? all.filter((other) => other <= highest) : [highest + 1]) await rm(`${file}.${number}`, { force: true });
      if (isOurs) return `${file}.${highest + 1}`;
    }
  }
}

async function numbers(file: string): Promise<number[]> {
  const start = `${path.basename(file)}.`;
  const names = await readdir(path.dirname(file));
  return names.filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length))).map((name) => Number(name.slice(start.length)));
}

/** Hard-links a file. A link appears with its content, so no process reads half of it. Returns false if the file exists already. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
