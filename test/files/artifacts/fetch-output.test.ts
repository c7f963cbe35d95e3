import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ArtifactBackend } from '../../../files/artifacts/artifact-backend.js';
import { fetchOutput } from '../../../files/artifacts/index.js';

const root = mkdtempSync(join(tmpdir(), 'fetch-output-'));
afterAll(() => { rmSync(root, { recursive: true }); });

/** A store with one output. */
function storeOf(files: Record<string, string>, failing?: string): ArtifactBackend {
  const entries = Object.entries(files).map(([name, text]): [string, object] => [name, { bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') }]);
  return {
    name: 'a store',
    find: () => Promise.resolve({ kind: 'output', key: 'key', files: Object.fromEntries(entries), summary: null }),
    open: (_: string, key: string, name: string, from: number) => {
      if (name === failing) throw new Error('the connection is lost');
      return Promise.resolve((async function* () { yield await Promise.resolve(Buffer.from(files[name]).subarray(from)); })());
    },
  } as unknown as ArtifactBackend;
}

it('an interrupted download never leaves a mixture of two checkpoints that programs load', async () => {
  const [one, two] = ['one', 'two'].map((text) => ({ 'config.json': `config ${text}`, 'model-1.safetensors': `a ${text}`, 'model-2.safetensors': `b ${text}` }));
  const folder = join(root, 'checkpoint');
  const read = (): Record<string, string> => Object.fromEntries(Object.keys(two).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  await fetchOutput(storeOf(one), 'key', folder);
  expect(read()).toEqual(one);
  await expect(fetchOutput(storeOf(two, 'model-2.safetensors'), 'key', folder)).rejects.toThrow('the connection is lost');
  expect(existsSync(join(folder, 'config.json'))).toBe(false);
  expect((await fetchOutput(storeOf(two), 'key', folder)).sort()).toEqual(['config.json', 'model-2.safetensors']);
  expect(read()).toEqual(two);
  expect(await fetchOutput(storeOf(two), 'key', folder)).toEqual([]);
});
