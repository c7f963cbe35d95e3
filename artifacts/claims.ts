/**
 * Who is making which artifact, so that others wait for it instead of making it, too. A claim saves work and nothing else:
 * whatever goes wrong with one, an artifact is at worst made twice, with equal bytes.
 */
import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, isStopped, type ProcessIdentity } from './process-identity.js';

interface Claim extends ProcessIdentity {
  /** Tells this claim from any other, of the same process too. */
  token: string;
  machine: string;
}

const renewMs = 2_000;
/** Pauses between two looks at what somebody else makes: short at first, because most artifacts are small. */
const pollMs = { first: 25, longest: 400 };
/** Two that take a dead owner's claim over at once both write it; a moment later both read who was last. */
const settleMs = 100;

/** How long a claim may go unrenewed, in milliseconds of the waiter's own clock. */
export interface Silence {
  /** Owner on another machine. Native code can keep a process from renewing for a while, hence not seconds. */
  elsewhere: number;
  /** Owner on this machine, whose process is there and runs: only one that hangs is silent for so long. */
  here: number;
  /** No owner can be read: it was killed between making the file and writing it, or the disk is full. */
  unreadable: number;
}

const usualSilence: Silence = { elsewhere: 30_000, here: 600_000, unreadable: 3_000 };

/** Process ids mean something among the processes of one machine and, where there are containers, of one of them. */
const machine = hostname() + pidNamespace();
const self = identify(process.pid);

function pidNamespace(): string {
  try {
    return ` ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Claims in a folder, one file each. */
export class Claims {
  constructor(
    private readonly folder: string,
    private readonly silence: Silence = usualSilence,
  ) {}

  /**
   * Waits until `find` gives something or the claim `name` is ours; then runs `make` under it.
   *
   * @param find looks whether what is claimed has been made; asked again whenever somebody else may have finished
   */
  async findOrMake<T>(name: string, find: () => Promise<T | undefined>, make: () => Promise<T>): Promise<T> {
    const found = await find();
    if (found !== undefined) return found;
    const file = join(this.folder, name);
    const claim: Claim = { ...self, token: randomUUID(), machine };
    const watch = new Watch(this.silence);
    for (let pause = pollMs.first; !(await this.take(file, claim, watch)); pause = Math.min(pollMs.longest, pause * 1.5)) {
      await sleep(pause);
      const made = await find();
      if (made !== undefined) return made;
    }
    const renewing = setInterval(() => void renew(file), renewMs);
    renewing.unref();
    try {
      // The former owner may have finished between the last look and the claim.
      return (await find()) ?? (await make());
    } finally {
      clearInterval(renewing);
      await release(file, claim);
    }
  }

  /**
   * Removes claims that nobody has renewed for so long that nobody will.
   * @param before in milliseconds since the epoch, by the clock that dates the claims' files
   */
  async removeOld(before: number): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const file = join(this.folder, name);
      const found = await stat(file).catch(() => undefined);
      if (found !== undefined && found.mtimeMs < before) await rm(file, { force: true });
    }
  }

  /** Whether the work is ours now. Also true where no claim can be written: that must not keep anybody from working. */
  private async take(file: string, claim: Claim, watch: Watch): Promise<boolean> {
    const text = JSON.stringify(claim);
    try {
      await createExclusively(file, text);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return true;
    }
    if (!(await watch.isAbandoned(file))) return false;
    const draft = `${file}.${claim.token}`;
    try {
      await writeFile(draft, text);
      await rename(draft, file);
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
      return true;
    }
    await sleep(settleMs);
    return (await read(file))?.token === claim.token;
  }
}

/** Remembers since when a claim that is in the way has not been renewed. */
class Watch {
  private seen = { renewed: NaN, at: 0 };

  constructor(private readonly silence: Silence) {}

  /** Whether nobody works under the claim any more. */
  async isAbandoned(file: string): Promise<boolean> {
    const renewed = (await stat(file).catch(() => undefined))?.mtimeMs;
    // It has just been released: the next attempt to take it tells.
    if (renewed === undefined) return false;
    if (renewed !== this.seen.renewed) this.seen = { renewed, at: performance.now() };
    const silent = performance.now() - this.seen.at;
    const owner = await read(file);
    if (owner === undefined) return silent > this.silence.unreadable;
    if (owner.machine !== machine) return silent > this.silence.elsewhere;
    return !isAlive(owner) || isStopped(owner) || silent > this.silence.here;
  }
}

async function createExclusively(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  }
}

async function read(file: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}

async function renew(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
}

/** Leaves the claim alone where somebody else has taken it over meanwhile. */
async function release(file: string, { token }: Claim): Promise<void> {
  if ((await read(file))?.token === token) await rm(file, { force: true }).catch(() => undefined);
}
