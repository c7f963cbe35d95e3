/**
 * Claims say which process is making which artifact, so that others wait for it instead of making it too. A claim only saves work:
 * if it fails, an artifact is at worst made twice, with equal bytes.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, isOfThisMachine, isStopped, type ProcessIdentity } from './process-identity.js';

/** Where claims are kept: texts by name. */
export interface ClaimPlace {
  /**
   * @returns false if there is already a claim of this name. It may be the caller's own: if a response is lost, the write is retried and
   * finds the claim that the first attempt created
   */
  create(name: string, text: string): Promise<boolean>;
  /** Replaces an abandoned claim if it still has this version. Call {@link read} afterwards to see who owns the claim. */
  replace(name: string, text: string, version: string): Promise<void>;
  /** Reads a claim. The version changes with every renewal; the text is empty or cut off if it cannot be read. */
  read(name: string): Promise<{ text: string; version: string } | undefined>;
  /** Gives a claim a new version, by the clock of the place. Does nothing if the claim has a new owner. */
  renew(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removes abandoned claims. @param before milliseconds since the epoch, by the place's clock */
  removeOld(before: number): Promise<void>;
}

interface Claim extends ProcessIdentity {
  /** Distinguishes this claim from all others, also of the same process. */
  token: string;
}

const renewMs = 2_000;
/** Pauses between two checks for an artifact that another process makes, in ms: short at first, because most artifacts are small. */
const pollMs = { first: 25, longest: 400 };
/** If two processes take over a dead owner's claim at once, both write it. After this pause, both read which write was last. */
const settleMs = 100;

/** How long a claim may go without renewal before it counts as abandoned, in milliseconds of the waiting process's clock. */
export interface ClaimTimeouts {
  /** The owner is on another machine. Native code can keep a process from renewing for a while, so this is long. */
  elsewhere: number;
  /** The owner is a running process on this machine. Only a process that hangs is silent for so long. */
  here: number;
  /** The owner cannot be read: it was killed between creating the file and writing it, or the disk is full. */
  unreadable: number;
}

const defaultClaimTimeouts: ClaimTimeouts = { elsewhere: 30_000, here: 600_000, unreadable: 3_000 };

const self = identify(process.pid);

/** Tokens of this process's active claims. Its other claims could not be removed, because the disk was read-only at the time. */
const activeTokens = new Set<string>();

/** Claims on work, by its name. */
export class Claims {
  constructor(
    private readonly place: ClaimPlace,
    private readonly silence: ClaimTimeouts = defaultClaimTimeouts,
  ) {}

  /**
   * Waits until `find` returns a result or the claim `name` is ours. In the second case, runs `make` under the claim.
   *
   * @param find looks for the result; called again whenever another process may have finished
   */
  async findOrMake<T>(name: string, find: () => Promise<T | undefined>, make: () => Promise<T>): Promise<T> {
    const found = await find();
    if (found !== undefined) return found;
    const claim: Claim = { ...self, token: randomUUID() };
    activeTokens.add(claim.token);
    try {
      return await this.makeUnder(claim, name, find, make);
    } finally {
      activeTokens.delete(claim.token);
    }
  }

  private async makeUnder<T>(claim: Claim, name: string, find: () => Promise<T | undefined>, make: () => Promise<T>): Promise<T> {
    const watch = new Watch(this.silence);
    for (let pause = pollMs.first; !(await this.take(name, claim, watch)); pause = Math.min(pollMs.longest, pause * 1.5)) {
      await sleep(pause);
      const made = await find();
      if (made !== undefined) return made;
    }
    const renewing = setInterval(() => void this.place.renew(name, JSON.stringify(claim)).catch(() => undefined), renewMs);
    renewing.unref();
    try {
      // The previous owner may have finished between the last look and the claim.
      return (await find()) ?? (await make());
    } finally {
      clearInterval(renewing);
      // While this process lives, others would wait a long time for a claim that was not released.
      if (!(await this.release(name, claim))) void this.releaseLater(name, claim);
    }
  }

  /** Whether the work is ours now. Also true if claims cannot be written, because that must not stop the work. */
  private async take(name: string, claim: Claim, watch: Watch): Promise<boolean> {
    const text = JSON.stringify(claim);
    try {
      if (await this.place.create(name, text)) return true;
      const seen = await this.place.read(name);
      // It has just been released; the next attempt may take it.
      if (seen === undefined) return false;
      const owner = parse(seen.text);
      if (owner?.token === claim.token) return true;
      if (!watch.isAbandoned(seen.version, owner)) return false;
      await this.place.replace(name, text, seen.version);
    } catch {
      return true;
    }
    await sleep(settleMs);
    return (await this.read(name).catch(() => undefined))?.token === claim.token;
  }

  private async read(name: string): Promise<Claim | undefined> {
    return parse((await this.place.read(name))?.text ?? '');
  }

  /** Removes the claim, unless another process has taken it over. @returns false if the claim may still be ours */
  private async release(name: string, { token }: Claim): Promise<boolean> {
    try {
      if ((await this.read(name))?.token === token) await this.place.remove(name);
      return true;
    } catch {
      return false;
    }
  }

  /** Retries until the disk can be written or the server answers. */
  private async releaseLater(name: string, claim: Claim): Promise<void> {
    do await sleep(renewMs, undefined, { ref: false });
    while (!(await this.release(name, claim)));
  }
}

/** Measures how long another process's claim has gone without renewal. */
class Watch {
  private seen = { version: '', at: 0 };

  constructor(private readonly silence: ClaimTimeouts) {}

  isAbandoned(version: string, owner: Claim | undefined): boolean {
    if (version !== this.seen.version) this.seen = { version, at: performance.now() };
    const silent = performance.now() - this.seen.at;
    if (owner === undefined) return silent > this.silence.unreadable;
    if (!isOfThisMachine(owner)) return silent > this.silence.elsewhere;
    if (owner.pid === self.pid && owner.started === self.started) return !activeTokens.has(owner.token);
    return !isAlive(owner) || isStopped(owner) || silent > this.silence.here;
  }
}

function parse(text: string): Claim | undefined {
  try {
    return JSON.parse(text) as Claim;
  } catch {
    return undefined;
  }
}
