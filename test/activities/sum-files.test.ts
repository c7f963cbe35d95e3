/** Writes sums of shards to a store, and adds them up again. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addUp, writeSums } from '../../activities/shards/sum-files.js';
import { ArtifactLostError, ArtifactStore } from '../../files/artifacts/index.js';
import { PruningInputError, type WindowSums } from '../../science/methods/index.js';

let root: string;
let store: ArtifactStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'llm-barber-test-'));
  store = new ArtifactStore(root);
});
afterEach(() => rm(root, { recursive: true }));

/** Of 5 values, so that pieces of 16 bytes end within each sum. */
const shard = (factor: number): WindowSums => new Map<string, Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>([
  ['products', Float64Array.of(1e9, 0.1, -2, 3, 1e-9).map((value) => value * factor)],
  ['squares', Float32Array.of(16_777_216, 1, 0.5, 2, 3).map((value) => value * factor)],
]);

async function write(name: string, sums: WindowSums, atOnce?: number): Promise<string> {
  const dependsOn = { name };
  await store.findOrMake('sums', dependsOn, (draft) => writeSums(draft, sums, atOnce));
  return ArtifactStore.key('sums', dependsOn);
}

it.each([8, 16, 2 ** 30])('adds them in the order of the shards, each in its own precision, in pieces of %i bytes', async (atOnce) => {
  const keys = [await write('first', shard(1), atOnce), await write('second', shard(0.1), atOnce), await write('third', shard(7), atOnce)];
  const sums = await addUp(store, keys, atOnce);
  expect(sums.get('products')).toEqual(Float64Array.of(1e9 + 1e8 + 7e9, 0.1 + 0.1 * 0.1 + 0.1 * 7, -2 - 0.2 - 14, 3 + 3 * 0.1 + 21, 1e-9 + 1e-9 * 0.1 + 1e-9 * 7));
  const rounded = [16_777_216, 1, 0.5, 2, 3].map((value) => Math.fround(Math.fround(value + Math.fround(value * 0.1)) + Math.fround(value * 7)));
  expect(sums.get('squares')).toEqual(Float32Array.from(rounded));
});

it('writes the same file in pieces of any size', async () => {
  const files = await Promise.all([8, 24, 2 ** 30].map(async (atOnce) => {
    const key = await write(`in pieces of ${atOnce}`, shard(1), atOnce);
    return readFile(join(root, 'sums', key.slice(0, 2), key, 'sums.bin'));
  }));
  const expected = Buffer.concat([...shard(1).values()].map(({ buffer }) => Buffer.from(buffer)));
  for (const file of files) expect(file.equals(expected)).toBe(true);
});

it('refuses sums of another layer, and sums that are gone', async () => {
  const [one, other] = [await write('one', shard(1)), await write('other', new Map([['products', Float64Array.of(1, 2)]]))];
  await expect(addUp(store, [one, other])).rejects.toThrow(PruningInputError);
  const rounded = await write('rounded', new Map([['products', Float32Array.of(1, 2, 3, 4, 5)]]));
  await expect(addUp(store, [one, rounded])).rejects.toThrow(/5 sums in float32.*5 sums in float64/);
  await store.drop('sums', one);
  await expect(addUp(store, [one])).rejects.toThrow(ArtifactLostError);
});
