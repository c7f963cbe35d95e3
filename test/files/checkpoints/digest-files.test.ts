import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestFiles } from '../../../files/checkpoints/index.js';

let folder: string;
let file: string;
let cacheFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'digest-'));
  file = join(folder, 'a');
  cacheFile = join(folder, 'state', 'cache.json');
});
afterEach(() => rm(folder, { recursive: true }));

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Writes a wrong digest into the cache, which shows whether the cache is used. */
async function poisonCache(digest: string): Promise<string> {
  const poison = 'f'.repeat(64);
  await writeFile(cacheFile, (await readFile(cacheFile, 'utf8')).replace(digest, poison));
  return poison;
}

describe('digestFiles', () => {
  it('returns the digests of all files by their paths', async () => {
    const large = Buffer.alloc(9_000_000, 'large');
    await writeFile(file, 'abc');
    await writeFile(join(folder, 'b'), large);
    await writeFile(join(folder, 'c'), '');
    const progress: [number, number][] = [];
    const paths = ['a', 'b', 'c'].map((name) => join(folder, name));
    const digests = await digestFiles(paths, { onProgress: (done, total) => progress.push([done, total]) });
    expect(digests.get(paths[0])).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digests.get(paths[1])).toBe(sha256(large));
    expect(digests.get(paths[2])).toBe(sha256(''));
    expect(progress.at(-1)).toEqual([9_000_003, 9_000_003]);
    expect(progress.length).toBeGreaterThan(3);
  });

  it('does not read an unchanged file again', async () => {
    await writeFile(file, 'one');
    await digestFiles([file], { cacheFile });
    const poison = await poisonCache(sha256('one'));
    const progress: number[] = [];
    expect((await digestFiles([file], { cacheFile, onProgress: (done) => progress.push(done) })).get(file)).toBe(poison);
    expect(progress).toEqual([3]);
  });

  it('reads a file again if its size, time or inode changed', async () => {
    const other = join(folder, 'other');
    await writeFile(file, 'one');
    await utimes(file, 1000, 1000);
    await digestFiles([file], { cacheFile });
    await poisonCache(sha256('one'));

    await writeFile(file, 'four');
    await utimes(file, 1000, 1000);
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('four'));

    await writeFile(file, 'five');
    await utimes(file, 1000, 1000.5);
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('five'));

    await writeFile(other, 'nine');
    await utimes(other, 1000, 1000.5);
    await rename(other, file);
    expect((await stat(file)).mtimeMs).toBe(1_000_500);
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('nine'));
  });

  it('reads a file again if its content changed and its modification time was restored', async () => {
    await writeFile(file, 'one');
    await utimes(file, 1000, 1000);
    await digestFiles([file], { cacheFile });
    await writeFile(file, 'two');
    await utimes(file, 1000, 1000);
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('two'));
  });

  it.each(['', '{', '[1]', 'null', '{"x": 7}'])('ignores a cache file that contains %j', async (content) => {
    await writeFile(file, 'one');
    await mkdir(join(folder, 'state'));
    await writeFile(cacheFile, content);
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('one'));
    await poisonCache(sha256('one'));
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe('f'.repeat(64));
  });

  it('ignores a cache entry that is not a digest', async () => {
    await writeFile(file, 'one');
    await digestFiles([file], { cacheFile });
    await writeFile(cacheFile, (await readFile(cacheFile, 'utf8')).replace(sha256('one'), 'no digest'));
    expect((await digestFiles([file], { cacheFile })).get(file)).toBe(sha256('one'));
  });
});
