import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, thisMachine } from '../artifacts/index.js';

/*
 * A partial download is a file beside its future blob, `<blob>.<process>-<start>-<machine>.incomplete`; the name identifies the owner.
 * Other processes wait while the owner lives. When it is dead or has given up the file (`<blob>.free.incomplete`), they try to
 * take it over by a rename, and one of them succeeds.
 * The name differs from `<blob>.incomplete`, to which huggingface_hub writes under locks of its own.
 */

const suffix = '.incomplete';
/** An owner on another machine counts as dead if its file has not grown for this long. */
const silentMs = 120_000;
const lookMs = 500;
const machine = createHash('sha256').update(thisMachine()).digest('hex').slice(0, 16);

interface Owner {
  pid: number;
  started?: string;
  machine: string;
}

function nameOf(blob: string): string {
  const { pid, started = '0' } = identify(process.pid);
  return `${blob}.${pid}-${started}-${machine}${suffix}`;
}

const freeName = (blob: string): string => `${blob}.free${suffix}`;

/** @returns `nobody` for a file that was given up, undefined for a file of another program */
function ownerOf(file: string, blob: string): Owner | 'nobody' | undefined {
  if (file === freeName(blob)) return 'nobody';
  if (!file.startsWith(blob)) return undefined;
  const match = /^\.(\d+)-(\d+)-(\w+)\.incomplete$/.exec(file.slice(blob.length));
  if (match === null) return undefined;
  const [, pid = '', started = '0', where = ''] = match;
  return { pid: Number(pid), machine: where, ...(started !== '0' && { started }) };
}

async function isOwned(file: string, owner: Owner | 'nobody'): Promise<boolean> {
  if (owner === 'nobody') return false;
  if (owner.machine === machine) return isAlive({ pid: owner.pid, started: owner.started });
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && (await clockOf(dirname(file))) - found.mtimeMs < silentMs;
}

/** Milliseconds since the epoch by the clock of a folder's file system, because the clocks of machines that share it may differ. */
async function clockOf(folder: string): Promise<number> {
  const probe = join(folder, `.${randomUUID()}.clock`);
  try {
    await writeFile(probe, '');
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}

/**
 * Creates this process's partial file for a blob, or takes over the one that a dead process left.
 * Two processes that start at the same moment may both download. Each has its own file, so this only costs traffic.
 * @param onWait called repeatedly while another process is downloading the blob
 * @returns the path of the partial file; undefined if the blob itself is there
 */
export async function takePartial(blob: string, onWait: () => void): Promise<string | undefined> {
  const own = nameOf(blob);
  for (;;) {
    if ((await stat(blob).catch(() => undefined)) !== undefined) return undefined;
    const names = await readdir(dirname(blob));
    const files = names.filter((name) => name.startsWith(`${basename(blob)}.`)).map((name) => join(dirname(blob), name));
    let waits = false;
    for (const file of files) {
      const owner = file === own ? undefined : ownerOf(file, blob);
      if (owner === undefined) continue;
      if (await isOwned(file, owner)) waits = true;
      else if (!files.includes(own)) await rename(file, own).catch(() => undefined);
      else await rm(file, { force: true });
    }
    if (!waits) {
      await (await open(own, 'a')).close();
      return own;
    }
    onWait();
    await sleep(lookMs);
  }
}

/** Leaves the partial download to the next process that tries. */
export async function giveUpPartial(blob: string, partial: string): Promise<void> {
  const found = await stat(partial).catch(() => undefined);
  if (found === undefined) return;
  if (found.size === 0) await rm(partial, { force: true });
  else await rename(partial, freeName(blob));
}

/** Number of bytes of a blob that are already on disk, complete or partial. */
export async function presentBytes(blob: string): Promise<number> {
  const names = await readdir(dirname(blob)).catch(() => []);
  const files = names.map((name) => join(dirname(blob), name)).filter((file) => file === blob || ownerOf(file, blob) !== undefined);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file).catch(() => undefined))?.size ?? 0));
  return Math.max(0, ...sizes);
}
