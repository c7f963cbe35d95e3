import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { LockTimeoutError } from '../../../../app/cli/errors.js';
import { withLock } from '../../../../app/cli/local/file-lock.js';
import { identify } from '../../../../app/cli/local/process-records.js';

const folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs many tasks at once, and returns the largest number that were inside together. */
async function crowd(file: string): Promise<number> {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, (inside += 1));
    await sleep(2);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 24 }, () => withLock(file, work)));
  return most;
}

describe('lock', () => {
  it('admits one holder at a time', async () => {
    expect(await crowd(path.join(folder, 'a', 'lock'))).toBe(1);
    expect(readdirSync(path.join(folder, 'a'))).toHaveLength(1);
  });

  it('is taken over from a dead holder by only one process', async () => {
    const file = path.join(folder, 'lock');
    writeFileSync(`${file}.1`, JSON.stringify({ pid: 2 ** 22 + 1 }));
    expect(await crowd(file)).toBe(1);
  });

  it('is taken over from a dead holder whose process id is in use again', async () => {
    const file = path.join(folder, 'reused');
    writeFileSync(`${file}.41`, JSON.stringify({ pid: process.pid, started: '1' }));
    expect(await crowd(file)).toBe(1);
  });

  it('is not taken from a live holder', async () => {
    const file = path.join(folder, 'held');
    writeFileSync(`${file}.2`, JSON.stringify(identify(process.pid)));
    await expect(withLock(file, () => Promise.resolve(), 200)).rejects.toThrow(LockTimeoutError);
  });

  it('is released when the work fails', async () => {
    const file = path.join(folder, 'failing');
    await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(file, () => Promise.resolve('in'))).toBe('in');
  });
});
