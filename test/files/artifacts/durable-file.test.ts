import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removePartialFiles, writeFileDurably } from '../../../files/artifacts/durable-file.js';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'durable-')); });
afterEach(() => rm(folder, { recursive: true }));

describe('writeFileDurably', () => {
  it('writes chunks in order, and returns their size and digest', async () => {
    const path = join(folder, 'a');
    const chunks = [Buffer.from('one '), new Uint8Array(0), Buffer.alloc(70_000_000, 'x'), Buffer.from(' two')];
    const whole = Buffer.concat(chunks);
    const result = await writeFileDurably(path, chunks);
    expect((await readFile(path)).equals(whole)).toBe(true);
    expect(result).toEqual({ bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') });
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('shows the new content only when it is complete, and the old content until then', async () => {
    const path = join(folder, 'a');
    await writeFile(path, 'old');
    const seen: string[] = [];
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new');
      seen.push(await readFile(path, 'utf8'));
    }
    await writeFileDurably(path, chunks());
    expect(seen).toEqual(['old']);
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('keeps only the old content if writing the new one fails', async () => {
    const path = join(folder, 'a');
    await writeFile(path, 'old');
    function* chunks(): Generator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('no more');
    }
    await expect(writeFileDurably(path, chunks())).rejects.toThrow('no more');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('lets two writers of the same path both finish', async () => {
    const path = join(folder, 'a');
    await Promise.all([writeFileDurably(path, [Buffer.from('one')]), writeFileDurably(path, [Buffer.from('two')])]);
    expect(['one', 'two']).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['a']);
  });
});

it('removePartialFiles removes what a killed writer left behind, and nothing else', async () => {
  const path = join(folder, 'model.safetensors');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    const during = await readdir(folder);
    expect(during).toHaveLength(1);
    await writeFile(join(folder, 'keep.partial'), '');
    await removePartialFiles(folder);
    expect(await readdir(folder)).toEqual(['keep.partial']);
  }
  await expect(writeFileDurably(path, chunks())).rejects.toThrow('ENOENT');
});
