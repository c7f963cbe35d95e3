import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClaimFolder } from '../../../files/artifacts/claim-folder.js';
import { Claims } from '../../../files/artifacts/claims.js';
import { identify } from '../../../files/artifacts/index.js';

let folder: string;
let claims: Claims;
const processes: ChildProcess[] = [];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'claims-')), 'claims');
  claims = new Claims(new ClaimFolder(folder), { elsewhere: 3_000, here: 600_000, unreadable: 200 });
});
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await rm(join(folder, '..'), { recursive: true, force: true });
});

/** Work that is done once it has been made, and that counts how often it was made. */
class Work {
  times = 0;
  done = false;
  find = (): Promise<string | undefined> => Promise.resolve(this.done ? 'found' : undefined);
  make = async (): Promise<string> => {
    this.times++;
    await sleep(50);
    this.done = true;
    return 'made';
  };
  get(from = claims): Promise<string> {
    return from.findOrMake('mask-1', this.find, this.make);
  }
}

async function otherProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  processes.push(child);
  await once(child, 'spawn');
  return child;
}

/** Writes a claim as another process of this machine would. */
async function claimedBy(pid: number, changes: object = {}): Promise<void> {
  let ours = '{}';
  await claims.findOrMake('sample', () => Promise.resolve(undefined), async () => (ours = await readFile(join(folder, 'sample'), 'utf8')));
  await writeFile(join(folder, 'mask-1'), JSON.stringify({ ...(JSON.parse(ours) as object), ...identify(pid), token: 'theirs', ...changes }));
}

describe('claims', () => {
  it('let twenty requests do the work once, and leave nothing behind', async () => {
    const work = new Work();
    const answers = await Promise.all(Array.from({ length: 20 }, () => work.get(new Claims(new ClaimFolder(folder)))));
    expect(work.times).toBe(1);
    expect(answers.filter((answer) => answer === 'made')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('wait for a live owner on this machine, and are taken over from a killed one', async () => {
    const owner = await otherProcess();
    await claimedBy(owner.pid as number);
    const work = new Work();
    const waiting = Promise.all([work.get(), work.get(), work.get()]);
    await sleep(700);
    expect(work.times).toBe(0);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await waiting;
    expect(work.times).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('are taken over from a stopped owner', async () => {
    const owner = await otherProcess();
    await claimedBy(owner.pid as number);
    owner.kill('SIGSTOP');
    const work = new Work();
    expect(await work.get()).toBe('made');
  });

  it('distinguish a dead owner from a process that reuses its id', async () => {
    await claimedBy(process.pid, { started: '1' });
    const work = new Work();
    expect(await work.get()).toBe('made');
  });

  it('wait for an owner on another machine as long as it renews', async () => {
    await claimedBy(1, { machine: 'another' });
    const work = new Work();
    const waiting = work.get();
    for (let beat = 0; beat < 40; beat++) {
      await sleep(100);
      const now = new Date();
      await utimes(join(folder, 'mask-1'), now, now);
    }
    expect(work.times).toBe(0);
    await waiting;
    expect(work.times).toBe(1);
  });

  it('do not mistake the process of a clone of this machine for a dead one of this machine', async () => {
    // Name and process namespace are those of this machine, and the id belongs to a process that does not exist here.
    const { pid } = spawnSync(process.execPath, ['--version']);
    const namespace = process.platform === 'linux' ? ` ${readlinkSync('/proc/self/ns/pid')}` : '';
    await claimedBy(pid, { machine: hostname() + namespace });
    const place = new ClaimFolder(folder);
    const work = new Work();
    let looks = 0;
    const find = async (): Promise<string | undefined> => {
      if (++looks === 8) await rm(join(folder, 'mask-1'));
      return await work.find();
    };
    expect(await new Claims(place, { elsewhere: 600_000, here: 600_000, unreadable: 600_000 }).findOrMake('mask-1', find, work.make)).toBe('made');
    expect(looks).toBeGreaterThanOrEqual(8);
  });

  it('recognize their own token, although the place says that the claim existed already', async () => {
    const place = new ClaimFolder(folder);
    const create = place.create.bind(place);
    place.create = async (name, text) => {
      await create(name, text);
      return false;
    };
    let looks = 0;
    const find = (): Promise<undefined> => {
      if (++looks > 10) throw new Error('the claim waits for itself');
      return Promise.resolve(undefined);
    };
    expect(await new Claims(place).findOrMake('mask-1', find, () => Promise.resolve('made'))).toBe('made');
    expect(await readdir(folder)).toEqual([]);
  });

  it('are taken over if this process could not remove them', async () => {
    await claimedBy(process.pid);
    expect(await new Work().get()).toBe('made');
  });

  it('are removed as soon as possible, so that no other process waits for a live one', async () => {
    const place = new ClaimFolder(folder);
    let isReadOnly = true;
    const remove = place.remove.bind(place);
    place.remove = (name) => (isReadOnly ? Promise.reject(new Error('EROFS')) : remove(name));
    await expect(new Claims(place).findOrMake('mask-1', () => Promise.resolve(undefined), () => Promise.reject(new Error('EROFS')))).rejects.toThrow('EROFS');
    expect(await readdir(folder)).toEqual(['mask-1']);
    isReadOnly = false;
    while ((await readdir(folder)).length > 0) await sleep(50);
  });

  it('are taken over if the owner died while writing', async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'mask-1'), '{"pi');
    const work = new Work();
    expect(await work.get()).toBe('made');
  });

  it('let the next request try after a failure', async () => {
    const work = new Work();
    let second: Promise<string> | undefined;
    const failing = claims.findOrMake('mask-1', work.find, async () => {
      second = work.get();
      await sleep(50);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await second).toBe('made');
  });

  it('are optional: the work continues if they cannot be written', async () => {
    await writeFile(folder, 'a file in place of the folder');
    const work = new Work();
    expect(await work.get()).toBe('made');
  });

  it('are renewed by the clock of the place, and only by their owner', async () => {
    const place = new ClaimFolder(folder);
    await place.create('mask-1', '{"token":"ours"}');
    const first = await place.read('mask-1');
    await utimes(join(folder, 'mask-1'), 1000, 1000);
    const aged = await place.read('mask-1');
    await place.renew('mask-1', '{"token":"theirs"}');
    expect(await place.read('mask-1')).toEqual(aged);
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    try {
      await place.renew('mask-1', '{"token":"ours"}');
    } finally {
      vi.useRealTimers();
    }
    const renewed = await place.read('mask-1');
    expect(renewed?.text).toBe(first?.text);
    expect(renewed?.version).not.toBe(aged?.version);
    await writeFile(join(folder, 'clock'), '');
    const now = (await stat(join(folder, 'clock'))).mtimeMs;
    await place.removeOld(now - 3_600_000);
    expect(await readdir(folder)).toContain('mask-1');
  });

  it('are not replaced once they have been renewed', async () => {
    const place = new ClaimFolder(folder);
    await place.create('mask-1', '{"token":"theirs"}');
    await utimes(join(folder, 'mask-1'), 1000, 1000);
    const { version } = (await place.read('mask-1')) ?? { version: '' };
    await place.renew('mask-1', '{"token":"theirs"}');
    await place.replace('mask-1', '{"token":"ours"}', version);
    expect((await place.read('mask-1'))?.text).toBe('{"token":"theirs"}');
  });

  it('are removed if they were left long ago', async () => {
    await claimedBy(1, { machine: 'another' });
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(join(folder, 'mask-1'), yesterday, yesterday);
    await new ClaimFolder(folder).removeOld(Date.now() - 3_600_000);
    expect(await readdir(folder)).toEqual([]);
  });
});
