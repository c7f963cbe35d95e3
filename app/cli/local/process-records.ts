import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../../../files/artifacts/process-identity.js';

export { identify, isAlive, type ProcessIdentity };

/** Writes a small JSON file atomically: a reader sees the old content or the new one, never half of it. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value)}\n`);
  await rename(temporary, file);
}

/** Reads a JSON file. Returns undefined if it is missing or cannot be read. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Records in `folder` that a process lives: `<pid>.json`, with what others need to know about it. */
export async function recordProcess(folder: string, pid: number, data: object = {}): Promise<void> {
  await writeJson(path.join(folder, `${pid}.json`), { ...identify(pid), ...data });
}

export async function forgetProcess(folder: string, pid: number): Promise<void> {
  await rm(path.join(folder, `${pid}.json`), { force: true });
}

/** Returns the recorded processes that are still alive, and removes the records of dead ones. */
export async function liveProcesses<T extends object>(folder: string): Promise<(ProcessIdentity & T)[]> {
  const files = await readdir(folder).catch(() => []);
  const live: (ProcessIdentity & T)[] = [];
  for (const name of files.filter((file) => file.endsWith('.json'))) {
    const record = await readJson<ProcessIdentity & T>(path.join(folder, name));
    if (record !== undefined && isAlive(record)) live.push(record);
    else await rm(path.join(folder, name), { force: true });
  }
  return live;
}
