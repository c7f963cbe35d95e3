/** The guarantees of a store, for every place of its artifacts: a folder, and a bucket of a real S3 server. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactLostError, ArtifactStore, openStore, StoreRefusedError, StoreUnreachableError, unreferenced, unusedSince, type StoredArtifact } from '../../../files/artifacts/index.js';
import { needs, where } from '../../helpers/needs.js';
import { S3Server } from '../../helpers/s3-server.js';

const folder = mkdtempSync(join(tmpdir(), 'backends-'));
let s3: S3Server | undefined;
const before = { ...process.env };
let count = 0;

beforeAll(async () => {
  if (!needs.s3Server.met) return;
  s3 = await S3Server.start(join(folder, 's3'));
  Object.assign(process.env, s3.environment);
});
afterAll(async () => {
  await s3?.kill();
  process.env = before;
  rmSync(folder, { recursive: true, force: true });
});

const dependsOn = { layer: 3, settings: { ratio: 0.1 } };
const key = ArtifactStore.key('mask', dependsOn);
const place = `mask/${key.slice(0, 2)}/${key}`;
const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251);

interface Made {
  times: number;
}
async function makeOnce(store: ArtifactStore, made: Made, after = dependsOn): Promise<boolean> {
  const { reused } = await store.findOrMake('mask', after, async (draft) => {
    made.times++;
    await sleep(30);
    await draft.write('mask.bits', [bytes.subarray(0, 300), bytes.subarray(300)]);
    return { pruned: 7 };
  });
  return reused;
}
async function allOf(list: AsyncIterable<StoredArtifact>): Promise<StoredArtifact[]> {
  const all: StoredArtifact[] = [];
  for await (const artifact of list) all.push(artifact);
  return all;
}

interface Backend {
  /** Opens a store. `again` opens it as another machine would. */
  open: () => Promise<{ store: ArtifactStore; again: () => Promise<ArtifactStore>; file: (name: string) => string }>;
}
const setups: Record<string, Backend> = {
  folder: {
    async open() {
      const root = join(folder, `local-${count++}`);
      return { store: await openStore(folder, root), again: () => openStore(folder, root), file: (name) => join(root, place, name) };
    },
  },
  bucket: {
    async open() {
      const location = `s3://barber/run-${count++}`;
      const machine = (): Promise<ArtifactStore> => openStore(join(folder, `machine-${count++}`), location);
      return { store: await machine(), again: machine, file: (name) => (s3 as S3Server).fileOf(`${location.slice('s3://barber/'.length)}/${place}/${name}`) };
    },
  },
};

for (const [name, setup] of Object.entries(setups)) describe(`a store in a ${name}`, name === 'bucket' ? where(needs.s3Server) : {}, () => {
  it('returns what was made, on every machine, with one identity', async () => {
    const { store, again } = await setup.open();
    const other = await again();
    expect(await makeOnce(store, { times: 0 })).toBe(false);
    const made = { times: 0 };
    expect(await makeOnce(other, made)).toBe(true);
    expect(made.times).toBe(0);
    expect(Buffer.from(await other.read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
    expect((await other.find('mask', key))?.summary).toEqual({ pruned: 7 });
    const identities = await Promise.all([store, other, await again()].map(({ backend }) => backend.identity()));
    expect(new Set(identities).size).toBe(1);
    expect(identities[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('lets many machines do the work once', async () => {
    const { store, again } = await setup.open();
    const made = { times: 0 };
    const stores = [store, await again(), await again(), await again()];
    const reused = await Promise.all(stores.map((each) => makeOnce(each, made)));
    expect(made.times).toBe(1);
    expect(reused.filter((found) => !found)).toHaveLength(1);
  });

  it('shows nothing of unfinished work', async () => {
    const { store, again } = await setup.open();
    await expect(store.findOrMake('mask', dependsOn, async (draft) => {
      await draft.write('mask.bits', [bytes]);
      throw new Error('power cut');
    })).rejects.toThrow('power cut');
    expect(await (await again()).find('mask', key)).toBeUndefined();
    expect(await allOf(store.backend.list())).toEqual([]);
  });

  it.each([
    ['a flipped bit', async (file: string) => {
      const damaged = await readFile(file);
      damaged[777] ^= 4;
      await writeFile(file, damaged);
    }],
    ['a file cut short', (file: string) => truncate(file, 10)],
    ['a lost file', (file: string) => rm(file)],
  ])('notices %s, removes the artifact, and makes it again', async (_, damage) => {
    const { store, again, file } = await setup.open();
    await makeOnce(store, { times: 0 });
    await damage(file('mask.bits'));
    const other = await again();
    await expect(other.read('mask', key, 'mask.bits')).rejects.toThrow(ArtifactLostError);
    const made = { times: 0 };
    expect(await makeOnce(other, made)).toBe(false);
    expect(made.times).toBe(1);
    expect(Buffer.from(await (await again()).read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
  });

  it('notices a changed number in a manifest', async () => {
    const { store, again, file } = await setup.open();
    await makeOnce(store, { times: 0 });
    const text = await readFile(file('manifest.json'), 'utf8');
    await writeFile(file('manifest.json'), text.replace('"pruned": 7', '"pruned": 8'));
    expect(await (await again()).find('mask', key)).toBeUndefined();
  });

  it('verifies artifacts: damaged ones are moved aside and reported', async () => {
    const { store, file } = await setup.open();
    await makeOnce(store, { times: 0 });
    await makeOnce(store, { times: 0 }, { ...dependsOn, layer: 4 });
    await writeFile(file('mask.bits'), Uint8Array.from(bytes, (byte) => byte ^ 1));
    const held = await Promise.all((await allOf(store.backend.list())).map(async (artifact) => [artifact.key === key, await store.backend.verify('mask', artifact.key)]));
    expect(held.sort()).toEqual([[false, true], [true, false]]);
    expect(await allOf(store.backend.list())).toHaveLength(1);
  });

  it('lists its contents with their sizes, and drops them', async () => {
    const { store } = await setup.open();
    await makeOnce(store, { times: 0 });
    const [artifact, ...others] = await allOf(store.backend.list());
    expect(others).toEqual([]);
    expect(artifact).toMatchObject({ kind: 'mask', key });
    expect(artifact.bytes).toBeGreaterThan(bytes.length);
    expect(Math.abs(artifact.usedAt - Date.now())).toBeLessThan(600_000);
    await store.drop('mask', key);
    expect(await allOf(store.backend.list())).toEqual([]);
    expect(await store.find('mask', key)).toBeUndefined();
  });

  it('reports what is old and what runs in progress refer to', async () => {
    const { store } = await setup.open();
    const tokens = ArtifactStore.key('tokens', 'text');
    await makeOnce(store, { times: 0 });
    await makeOnce(store, { times: 0 }, { ...dependsOn, layer: 4 });
    // Histories do not name the keys of these, but the keys of what they are made from.
    const unnamed = ['gradient', 'hidden', 'likelihoods', 'perplexity', 'scores'] as const;
    for (const kind of unnamed) {
      for (const from of [tokens, 'none']) await store.findOrMake(kind, { tokens: from, layer: 5 }, () => Promise.resolve(null));
    }
    // Hidden states stay in the folder.
    const shelved = unnamed.filter((kind) => kind !== 'hidden' || name === 'folder');
    const { backend } = store;
    expect(await unusedSince(backend, (await backend.clock()) - 600_000)).toEqual([]);
    const old = await unusedSince(backend, (await backend.clock()) + 2_000);
    expect(old).toHaveLength(2 + 2 * shelved.length);
    const free = await unreferenced(backend, old, new Set([key, tokens]));
    expect(free.map(({ kind, key: one }) => [kind, one]).sort()).toEqual([
      ...shelved.map((kind) => [kind, ArtifactStore.key(kind, { tokens: 'none', layer: 5 })]),
      ['mask', ArtifactStore.key('mask', { ...dependsOn, layer: 4 })],
    ].sort());
  });

  it('drops what nothing has used since, and keeps what was used meanwhile', async () => {
    const { store, again } = await setup.open();
    const { backend } = store;
    await makeOnce(store, { times: 0 });
    const [{ usedAt }] = await allOf(backend.list());
    expect(await backend.dropUnused('mask', key, usedAt)).toBe(false);
    expect(await makeOnce(await again(), { times: 0 })).toBe(true);
    expect(await backend.dropUnused('mask', key, usedAt + 3_600_000)).toBe(true);
    expect(await backend.dropUnused('mask', key, usedAt + 3_600_000)).toBe(false);
    expect(await allOf(backend.list())).toEqual([]);
  });

  it('says that dropped artifacts can no longer be used', async () => {
    const { store } = await setup.open();
    await makeOnce(store, { times: 0 });
    const manifest = await store.backend.find('mask', key);
    if (manifest === undefined) throw new Error('the manifest is missing');
    expect(await store.backend.touch(manifest)).toBe(true);
    await store.backend.drop('mask', key);
    expect(await store.backend.touch(manifest)).toBe(false);
    expect(await allOf(store.backend.list())).toEqual([]);
  });

  it('keeps old but complete artifacts when it removes leftovers', async () => {
    const { store } = await setup.open();
    await makeOnce(store, { times: 0 });
    await store.backend.removeLeftovers((await store.backend.clock()) + 60_000);
    expect(await allOf(store.backend.list())).toHaveLength(1);
    expect(await store.backend.verify('mask', key)).toBe(true);
  });
});

it.each(['C# 100%', 'run #3/a?b=c&d+e', "é ü/日本 'x'"])('keeps everything in a bucket below the prefix %s', where(needs.s3Server), async (prefix) => {
  const location = `s3://barber/${prefix}`;
  const [store, other] = await Promise.all([1, 2].map(() => openStore(join(folder, `machine-${count++}`), location)));
  await makeOnce(store, { times: 0 });
  expect(existsSync((s3 as S3Server).fileOf(`${prefix}/${place}/manifest.json`))).toBe(true);
  expect(await makeOnce(other, { times: 0 })).toBe(true);
  expect((await allOf(other.backend.list())).map((artifact) => artifact.key)).toEqual([key]);
  await other.backend.drop('mask', key);
  expect(await allOf(store.backend.list())).toEqual([]);
});

describe('a bucket', where(needs.s3Server), () => {
  const server = (): S3Server => s3 as S3Server;

  it('keeps what is made while the server is away, and uploads it in the next attempt', async () => {
    const { store, again } = await setups['bucket'].open();
    const made = { times: 0 };
    const make = (): Promise<{ reused: boolean }> => store.findOrMake('mask', dependsOn, async (draft) => {
      made.times++;
      await draft.write('mask.bits', [bytes]);
      await server().kill();
      return null;
    });
    await expect(make()).rejects.toThrow(StoreUnreachableError);
    await expect(make()).rejects.toThrow(StoreUnreachableError);
    await server().start();
    expect((await make()).reused).toBe(true);
    expect(made.times).toBe(1);
    expect(Buffer.from(await (await again()).read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
  });

  it('uploads large files in parts, and reads them back', async () => {
    const { store, again, file } = await setups['bucket'].open();
    const large = Buffer.alloc(40 * 2 ** 20, 'seventeen letters');
    await store.findOrMake('mask', dependsOn, async (draft) => {
      await draft.write('mask.bits', [large]);
      return null;
    });
    expect((await stat(file('mask.bits'))).size).toBe(large.length);
    expect(Buffer.from(await (await again()).read('mask', key, 'mask.bits')).equals(large)).toBe(true);
  });

  it('never uploads hidden states', async () => {
    const { store, again } = await setups['bucket'].open();
    await store.findOrMake('hidden', dependsOn, async (draft) => {
      await draft.write('states', [bytes]);
      return null;
    });
    const hidden = ArtifactStore.key('hidden', dependsOn);
    expect((await store.find('hidden', hidden))?.files['states'].bytes).toBe(bytes.length);
    expect(await (await again()).find('hidden', hidden)).toBeUndefined();
  });

  it('removes files of artifacts that were never finished', async () => {
    const { store, file } = await setups['bucket'].open();
    await makeOnce(store, { times: 0 });
    await rm(file('manifest.json'));
    await store.backend.removeLeftovers((await store.backend.clock()) + 60_000);
    expect(existsSync(file('mask.bits'))).toBe(false);
  });

  describe('refuses with a remedy', () => {
    const settings = { ...process.env };
    afterEach(() => Object.assign(process.env, settings, server().environment));
    it.each([
      ['a bucket that is not there', 's3://no-such-bucket/x', {}, /NoSuchBucket.*Create the bucket, or correct --store/],
      ['a wrong key', 's3://barber/x', { AWS_ACCESS_KEY_ID: 'SOMEBODYELSE' }, /Correct AWS_ACCESS_KEY_ID/],
      ['a wrong secret', 's3://barber/x', { AWS_SECRET_ACCESS_KEY: 'another-secret-value' }, /SignatureDoesNotMatch.*Correct AWS_SECRET_ACCESS_KEY/],
    ])('%s', async (_, location, environment, message) => {
      Object.assign(process.env, server().environment, environment);
      const failure = await (await openStore(folder, location)).backend.identity().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreRefusedError);
      expect((failure as Error).message).toMatch(message);
      expect((failure as Error).message).not.toContain('another-secret-value');
    });
  });
});

it.each(['s3:/b', 's3://', 's3://UPPER/x', 'gs://bucket/x'])('refuses %s as a place for a store, or treats it as a folder', async (location) => {
  if (!location.includes('://')) {
    expect((await openStore(folder, join(folder, location))).backend.name).toBe(join(folder, location));
    return;
  }
  await expect(openStore(folder, location)).rejects.toThrow(`${location} is not a valid store location; expected a folder, or s3://bucket`);
});
