import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileInThread } from '../../../files/artifacts/write-in-thread.js';
import { requireBuild } from '../../helpers/set-up.js';

requireBuild();
let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'in-thread-')); });
afterEach(() => rm(folder, { recursive: true }));

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

it('writes chunks in order, and returns their size and digest', async () => {
  const path = join(folder, 'below', 'a');
  const chunks = [bytes(5, 1), bytes(0, 2), bytes(1_000_000, 3), bytes(7, 4), bytes(1, 5), bytes(2, 6)];
  const whole = Buffer.concat(chunks);
  const written = await writeFileInThread(path, chunks);
  expect((await readFile(path)).equals(whole)).toBe(true);
  expect(written).toEqual({ bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') });
  expect(await readdir(join(folder, 'below'))).toEqual(['a']);
});

it('transfers the memory of a chunk, but not of one that shares its buffer', async () => {
  const [own, shared] = [bytes(8, 1), bytes(8, 2)];
  await writeFileInThread(join(folder, 'a'), [own, shared.subarray(2, 4)]);
  expect(own.byteLength).toBe(0);
  expect([...shared]).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
  expect([...(await readFile(join(folder, 'a')))]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
});

it('leaves no file if the chunks fail', async () => {
  function* chunks(): Generator<Uint8Array> {
    yield bytes(3, 1);
    throw new Error('no more');
  }
  await expect(writeFileInThread(join(folder, 'a'), chunks())).rejects.toThrow('no more');
  expect(await readdir(folder)).toEqual([]);
});

it("reports the system's error, and requests only the chunks already in flight", async () => {
  await writeFile(join(folder, 'file'), '');
  let asked = 0;
  function* chunks(): Generator<Uint8Array> {
    for (; asked < 100; asked++) yield bytes(1, 1);
  }
  const path = join(folder, 'file', 'a');
  await expect(writeFileInThread(path, chunks())).rejects.toMatchObject({ code: 'EEXIST' });
  expect(asked).toBeLessThan(4);
});
