import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockTimeoutError } from '../errors.js';
import { identify, isAlive, readJson, type ProcessIdentity } from './process-records.js';

/*
 * A lock is a series of files `<file>.<number>`, of which the highest counts: its content names the holder, or is empty.
 * It is taken by making the next number, which only one process can, and released by emptying the own file.
 * The highest is never removed, so that a dead holder need not be removed, which two processes could do at once.
 */
type Holder = ProcessIdentity | { pid: null };

let serial = 0;

/**
 * Runs `work` while no other process, and nothing else in this one, runs work under the same lock.
 * A lock whose holder has died is free.
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

/** The file that is ours now. */
async function take(file: string, draft: string, timeoutMs: number): Promise<string> {
  const giveUp = Date.now() + timeoutMs;
  for (;;) {
    const highest = Math.max(0, ...(await numbers(file)));
    const holder = highest === 0 ? undefined : await readJson<Holder>(`${file}.${highest}`);
    if (holder !== undefined && holder.pid !== null && isAlive(holder)) {
      if (Date.now() > giveUp) {
        const remedy = 'End that process, or wait for it';
        throw new LockTimeoutError({ what: `held for ${timeoutMs / 1000} s by process ${holder.pid}`, where: file, remedy });
      }
      await sleep(50);
    } else if (await linked(draft, `${file}.${highest + 1}`)) {
      const all = await numbers(file);
      // Whoever looked long ago may have made a number that others are past already.
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

/** A link appears with its content, so no process reads half of it; false if there is such a file already. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
