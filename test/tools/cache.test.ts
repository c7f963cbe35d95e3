import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createComplete, readIfComplete } from '#setup/cache.mjs';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'llm-barber-cache-'));
  folder = join(home, 'engine', 'one');
});
afterEach(() => rmSync(home, { recursive: true }));

function fill(partial: string, content = 'library'): Promise<{ version: string }> {
  mkdirSync(join(partial, 'lib'));
  writeFileSync(join(partial, 'lib', 'a.so.2'), content);
  symlinkSync('a.so.2', join(partial, 'lib', 'a.so'));
  return Promise.resolve({ version: '1' });
}

test('describes a complete folder', async () => {
  const made = await createComplete(folder, (partial) => fill(partial));
  expect(made).toEqual({ version: '1', files: { 'lib/a.so.2': 7 } });
  expect(readIfComplete(folder)).toEqual(made);
  expect(readFileSync(join(folder, 'lib', 'a.so'), 'utf8')).toBe('library');
  expect(readdirSync(join(home, 'engine'))).toEqual(['one']);
});

test.each([
  ['a file is missing', () => rmSync(join(folder, 'lib', 'a.so.2'))],
  ['a file is cut short', () => writeFileSync(join(folder, 'lib', 'a.so.2'), 'lib')],
  ['the manifest is damaged', () => writeFileSync(join(folder, 'manifest.json'), '{')],
])('makes the folder again if %s', async (_, damage) => {
  await createComplete(folder, (partial) => fill(partial));
  damage();
  expect(readIfComplete(folder)).toBeUndefined();
  await createComplete(folder, (partial) => fill(partial, 'fixed'));
  expect(readFileSync(join(folder, 'lib', 'a.so.2'), 'utf8')).toBe('fixed');
});

test('leaves nothing after a failure', async () => {
  const failing = createComplete(folder, async (partial) => {
    await fill(partial);
    throw new Error('no space left');
  });
  await expect(failing).rejects.toThrow('no space left');
  expect(readdirSync(join(home, 'engine'))).toEqual([]);
});

test('removes what killed set-ups left, and keeps what running ones make', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const leftover = (pid: number) => join(home, 'engine', `one.partial-${pid}`);
  mkdirSync(leftover(dead), { recursive: true });
  mkdirSync(leftover(process.ppid));
  await createComplete(folder, (partial) => fill(partial));
  expect(existsSync(leftover(dead))).toBe(false);
  expect(existsSync(leftover(process.ppid))).toBe(true);
});

test('gives two concurrent set-ups the complete folder of one of them', async () => {
  const made = await createComplete(folder, async (partial) => {
    await fill(partial, 'second');
    mkdirSync(folder);
    await fill(folder, 'first');
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ version: '1', files: { 'lib/a.so.2': 5 } }));
    return { version: '1' };
  });
  expect(made?.files).toEqual({ 'lib/a.so.2': 5 });
});
