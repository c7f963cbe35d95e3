import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A process that can be told from a later one with the same id. */
export interface ProcessIdentity {
  pid: number;
  /** Start of the process in the kernel's clock ticks, where the system tells it (Linux). */
  started?: string;
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces and parentheses. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, although its id is not free yet.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startTicks(pid) };
}

/** Whether exactly that process is still there. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === undefined || startTicks(pid) === started;
}

/** Writes a small JSON file so that a reader sees the old one or the new one, never half of it. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value)}\n`);
  await rename(temporary, file);
}

/** The value in a JSON file, or undefined if there is none that can be read. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Notes in `folder` that a process lives: `<pid>.json`, with what others need to know about it. */
export async function recordProcess(folder: string, pid: number, data: object = {}): Promise<void> {
  await writeJson(path.join(folder, `${pid}.json`), { ...identify(pid), ...data });
}

export async function forgetProcess(folder: string, pid: number): Promise<void> {
  await rm(path.join(folder, `${pid}.json`), { force: true });
}

/** The recorded processes that still live. Records of dead ones are removed on the way. */
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
