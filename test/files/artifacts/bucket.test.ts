/** Events that are too rare on a real S3 server for tests, imitated in memory: lost answers, use at the wrong moment, odd names. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtifactStore, dropUnused, openStore, StoreLocationError, unusedSince, type StoredArtifact } from '../../../files/artifacts/index.js';
import { storeLocation } from '../../../files/artifacts/store-location.js';
import { FakeS3 } from '../../helpers/fake-s3.js';

let folder: string;
let s3: FakeS3;
let machines = 0;
const before = { ...process.env };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucket-'));
  s3 = await FakeS3.start();
  Object.assign(process.env, s3.environment);
});
afterEach(async () => {
  process.env = { ...before };
  await s3.stop();
  await rm(folder, { recursive: true });
});

/** Opens the store as a new machine with an empty disk would. */
const open = (location = 's3://barber/runs'): Promise<ArtifactStore> => openStore(join(folder, `machine-${machines++}`), location);
const key = ArtifactStore.key('mask', 'some');
async function make(store: ArtifactStore): Promise<boolean> {
  const { reused } = await store.findOrMake('mask', 'some', async (draft) => {
    await draft.write('mask.bits', [Buffer.from('bits')]);
    return null;
  });
  return reused;
}
async function all(store: ArtifactStore): Promise<StoredArtifact[]> {
  const found: StoredArtifact[] = [];
  for await (const artifact of store.backend.list()) found.push(artifact);
  return found;
}
const hour = 3600_000;

describe('a lost answer', () => {
  it('to a claim makes the repeated request fail, but the claim is ours', async () => {
    s3.loseAnswerOf(/^PUT runs\/claims\//);
    const store = await open();
    let looks = 0;
    const find = store.find.bind(store);
    const shelfFind = store.backend.find.bind(store.backend);
    store.backend.find = (...which) => {
      if (++looks > 20) throw new Error('the claim waits for itself');
      return shelfFind(...which);
    };
    expect(await make(store)).toBe(false);
    expect(s3.requests.filter((request) => request.startsWith('PUT runs/claims/')).length).toBe(2);
    expect([...s3.objects.keys()].some((name) => name.startsWith('runs/claims/'))).toBe(false);
    expect(await find('mask', key)).toBeDefined();
  });

  it.each([['a manifest', /^PUT .*manifest\.json$/], ['a file', /^PUT .*mask\.bits$/], ['the identity', /^PUT .*store-id$/]])('to %s makes no difference', async (_, request) => {
    s3.loseAnswerOf(request);
    const store = await open();
    expect(await make(store)).toBe(false);
    expect(await store.backend.identity()).toBe(await (await open()).backend.identity());
    expect(await make(await open())).toBe(true);
  });
});

describe('an old artifact', () => {
  const none = (): Promise<ReadonlySet<string>> => Promise.resolve(new Set());

  it('is dropped, unless a run has found it since', async () => {
    const store = await open();
    await make(store);
    s3.age(2 * hour);
    const limit = Date.now() - hour;
    const old = await unusedSince(store.backend, limit);
    expect(old).toHaveLength(1);
    const begun = async (): Promise<ReadonlySet<string>> => {
      expect(await make(await open())).toBe(true);
      return new Set();
    };
    expect(await dropUnused(store.backend, old, limit, begun)).toEqual([]);
    expect(await all(store)).toHaveLength(1);
    s3.age(2 * hour);
    expect(await dropUnused(store.backend, await unusedSince(store.backend, limit), limit, none)).toHaveLength(1);
    expect([...s3.objects.keys()].filter((name) => name.includes(key))).toEqual([]);
  });

  it('is uploaded again by its holder, or made again, if it is dropped while being found', async () => {
    const store = await open();
    await make(store);
    const manifest = await store.backend.find('mask', key);
    s3.age(2 * hour);
    await store.backend.drop('mask', key);
    expect(manifest && (await store.backend.touch(manifest))).toBe(false);
    expect([...s3.objects.keys()].filter((name) => name.includes(key))).toEqual([]);
    const touch = store.backend.touch.bind(store.backend);
    expect(await make(store)).toBe(true);
    store.backend.touch = async (found) => {
      store.backend.touch = touch;
      await store.backend.drop('mask', key);
      return await touch(found);
    };
    expect(await make(store)).toBe(true);
    expect(Buffer.from(await (await open()).read('mask', key, 'mask.bits')).toString()).toBe('bits');
  });

  it('keeps its files if it is uploaded while being dropped', async () => {
    const store = await open();
    await make(store);
    const other = await open();
    await other.read('mask', key, 'mask.bits');
    const remove = Reflect.get(store.backend, 'bucket') as { remove: (keys: readonly string[]) => Promise<void> };
    const original = remove.remove.bind(remove);
    remove.remove = async (keys) => {
      remove.remove = original;
      await original(keys);
      await make(other);
    };
    await store.backend.drop('mask', key);
    expect(Buffer.from(await (await open()).read('mask', key, 'mask.bits')).toString()).toBe('bits');
  });
});

describe('a prefix', () => {
  it.each(['C# 100%', 'run #3/a?b=c&d+e', "é ü/日本 'x' \"y\"", '100%25/%2e%2e', '<a>&amp;;', 'a*(b)!~$,=@:'])('%s contains everything', async (prefix) => {
    const store = await open(`s3://barber/${prefix}/`);
    expect(await make(store)).toBe(false);
    await store.backend.identity();
    expect([...s3.objects.keys()].every((name) => name.startsWith(`${prefix}/`))).toBe(true);
    const other = await open(`s3://barber/${prefix}`);
    expect(await make(other)).toBe(true);
    expect(Buffer.from(await other.read('mask', key, 'mask.bits')).toString()).toBe('bits');
    expect((await all(other)).map((artifact) => artifact.key)).toEqual([key]);
    expect(await other.backend.verify('mask', key)).toBe(true);
    await other.backend.drop('mask', key);
    expect(await all(store)).toEqual([]);
    expect([...s3.objects.keys()].filter((name) => name.includes(key))).toEqual([]);
  });

  it.each(['s3://barber/a/../b', 's3://barber/./b', 's3://barber/a//b', 's3://barber//b', 's3://barber/a\u0007b', `s3://barber/${'x'.repeat(900)}`])('%j is refused', (location) => {
    expect(() => storeLocation(location)).toThrow(StoreLocationError);
  });
});
