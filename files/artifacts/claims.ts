/**
 * Who is making which artifact, so that others wait for it instead of making it, too. A claim saves work and nothing else:
 * if one fails, an artifact is at worst made twice, with equal bytes.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, isOfThisMachine, isStopped, type ProcessIdentity } from './process-identity.js';

/** Where claims are kept: texts by name. */
export interface ClaimPlace {
  /**
   * @returns false if there is one of this name. It may be the very one that was to be made: where an answer is lost on its way, a write is repeated, and
   * finds what it has written
   */
  create(name: string, text: string): Promise<boolean>;
  /** Puts a claim in the place of an abandoned one, if that still has this version. Who has the claim then, only {@link look} tells. */
  replace(name: string, text: string, version: string): Promise<void>;
  /** The version changes whenever the claim is renewed; the text is empty or cut off if it cannot be read. */
  look(name: string): Promise<{ text: string; version: string } | undefined>;
  /** Gives a claim another version, by the place's own clock. A claim with a new owner is left alone. */
  renew(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removes abandoned claims. @param before milliseconds since the epoch, by the place's clock */
  removeOld(before: number): Promise<void>;
}

interface Claim extends ProcessIdentity {
  /** Tells this claim from any other, of the same process too. */
  token: string;
}

const renewMs = 2_000;
/** Pauses between two checks for an artifact that another process makes: short at first, because most artifacts are small. */
const pollMs = { first: 25, longest: 400 };
/** Two that take a dead owner's claim over at once both write it; a moment later both read who was last. */
const settleMs = 100;

/** How long a claim may go unrenewed, in milliseconds of the waiter's own clock. */
export interface Silence {
  /** Owner on another machine. Native code can keep a process from renewing for a while, so this is long. */
  elsewhere: number;
  /** Owner on this machine with a running process: only a process that hangs is silent for so long. */
  here: number;
  /** No owner can be read: it was killed between making the file and writing it, or the disk is full. */
  unreadable: number;
}

const usualSilence: Silence = { elsewhere: 30_000, here: 600_000, unreadable: 3_000 };

const self = identify(process.pid);

/** Tokens of the claims under which this process works. Another claim of its own is one that it could not remove, on a disk that was read-only for a while. */
const underWork = new Set<string>();

/** Claims on work, by its name. */
export class Claims {
  constructor(
    private readonly place: ClaimPlace,
    private readonly silence: Silence = usualSilence,
  ) {}

  /**
   * Waits until `find` gives something or the claim `name` is ours; then runs `make` under it.
   *
   * @param find looks whether what is claimed has been made; asked again whenever another process may have finished
   */
  async findOrMake<T>(name: string, find: () => Promise<T | undefined>, make: () => Promise<T>): Promise<T> {
    const found = await find();
    if (found !== undefined) return found;
    const claim: Claim = { ...self, token: randomUUID() };
    underWork.add(claim.token);
    try {
      return await this.makeUnder(claim, name, find, make);
    } finally {
      underWork.delete(claim.token);
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
      // The former owner may have finished between the last look and the claim.
      return (await find()) ?? (await make());
    } finally {
      clearInterval(renewing);
      // Others would wait for long for a live process that does nothing.
      if (!(await this.release(name, claim))) void this.releaseLater(name, claim);
    }
  }

  /** Whether the work is ours now. Also true if no claim can be written: that must not keep anybody from working. */
  private async take(name: string, claim: Claim, watch: Watch): Promise<boolean> {
    const text = JSON.stringify(claim);
    try {
      if (await this.place.create(name, text)) return true;
      const seen = await this.place.look(name);
      // It has just been released: the next attempt to take it tells.
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
    return parse((await this.place.look(name))?.text ?? '');
  }

  /** Leaves the claim alone if another process has taken it over. @returns whether it is not ours any more */
  private async release(name: string, { token }: Claim): Promise<boolean> {
    try {
      if ((await this.read(name))?.token === token) await this.place.remove(name);
      return true;
    } catch {
      return false;
    }
  }

  /** Tries again until the disk can be written, or the server answers. */
  private async releaseLater(name: string, claim: Claim): Promise<void> {
    do await sleep(renewMs, undefined, { ref: false });
    while (!(await this.release(name, claim)));
  }
}

/** Remembers since when a claim that is in the way has not been renewed. */
class Watch {
  private seen = { version: '', at: 0 };

  constructor(private readonly silence: Silence) {}

  /** Whether the claim is abandoned. */
  isAbandoned(version: string, owner: Claim | undefined): boolean {
    if (version !== this.seen.version) this.seen = { version, at: performance.now() };
    const silent = performance.now() - this.seen.at;
    if (owner === undefined) return silent > this.silence.unreadable;
    if (!isOfThisMachine(owner)) return silent > this.silence.elsewhere;
    if (owner.pid === self.pid && owner.started === self.started) return !underWork.has(owner.token);
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
