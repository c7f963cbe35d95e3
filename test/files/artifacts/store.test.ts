import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactFolder } from '../../../files/artifacts/artifact-folder.js';
import { ArtifactLostError, ArtifactStore, dropUnused, unusedSince } from '../../../files/artifacts/index.js';

let root: string;
let store: ArtifactStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'store-'));
  store = new ArtifactStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const dependsOn = { layer: 3, settings: { ratio: 0.1, metric: 'weight' } };
const key = ArtifactStore.key('mask', dependsOn);
const folder = (): string => join(root, 'mask', key.slice(0, 2), key);
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

async function makeOnce(made: { times: number }): Promise<boolean> {
  const { reused } = await store.findOrMake('mask', dependsOn, async (draft) => {
    made.times++;
    await draft.write('mask.bits', [bytes.subarray(0, 300), bytes.subarray(300)]);
    return { pruned: 7 };
  });
  return reused;
}

describe('findOrMake', () => {
  it('makes an artifact once, for every order of its dependencies', async () => {
    const made = { times: 0 };
    expect(await makeOnce(made)).toBe(false);
    expect(await makeOnce(made)).toBe(true);
    expect(ArtifactStore.key('mask', { settings: { metric: 'weight', ratio: 0.1 }, layer: 3 })).toBe(key);
    expect(ArtifactStore.key('hidden', dependsOn)).not.toBe(key);
    expect(made.times).toBe(1);
    const { manifest } = await store.findOrMake('mask', dependsOn, () => Promise.reject(new Error('must not be made again')));
    expect(manifest.summary).toEqual({ pruned: 7 });
    expect(manifest.dependsOn).toEqual(dependsOn);
  });

  it('leaves nothing visible when making fails halfway', async () => {
    await expect(
      store.findOrMake('mask', dependsOn, async (draft) => {
        await draft.write('mask.bits', [bytes]);
        throw new Error('power cut');
      }),
    ).rejects.toThrow('power cut');
    expect(await store.find('mask', key)).toBeUndefined();
    expect(await readdir(join(root, 'drafts'))).toEqual([]);
  });

  it('lets one request make what several need at once, while the others wait', async () => {
    const made = { times: 0 };
    const reused = await Promise.all([makeOnce(made), makeOnce(made), makeOnce(made)]);
    expect(reused.filter((found) => !found)).toHaveLength(1);
    expect(made.times).toBe(1);
    expect(await readdir(join(root, 'claims'))).toEqual([]);
    expect(Buffer.from(await store.read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
    expect(await readdir(join(root, 'drafts'))).toEqual([]);
  });

  it('logs what was made and what was reused', async () => {
    const made = { times: 0 };
    await makeOnce(made);
    await makeOnce(made);
    const events = (await readFile(join(root, 'log.jsonl'), 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(['made', 'found']);
  });
});

describe('reading', () => {
  it('returns the bytes in the requested pieces', async () => {
    await makeOnce({ times: 0 });
    const pieces: number[] = [];
    for await (const piece of store.readPieces('mask', key, 'mask.bits', [1, 499, 500])) pieces.push(piece.length);
    expect(pieces).toEqual([1, 499, 500]);
  });

  it('detects a flipped bit, moves the artifact aside, and makes it again', async () => {
    const made = { times: 0 };
    await makeOnce(made);
    const damaged = Uint8Array.from(bytes);
    damaged[777] ^= 4;
    await writeFile(join(folder(), 'mask.bits'), damaged);
    await expect(store.read('mask', key, 'mask.bits')).rejects.toThrow(ArtifactLostError);
    expect(existsSync(folder())).toBe(false);
    expect(await makeOnce(made)).toBe(false);
    expect(Buffer.from(await store.read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
  });

  it.each([
    ['a truncated file', () => truncate(join(folder(), 'mask.bits'), 10)],
    ['a missing file', () => rm(join(folder(), 'mask.bits'))],
    ['a torn manifest', () => truncate(join(folder(), 'manifest.json'), 20)],
    ['a missing artifact', () => rm(folder(), { recursive: true })],
  ])('treats %s as not made', async (_, damage) => {
    const made = { times: 0 };
    await makeOnce(made);
    await damage();
    await expect(store.read('mask', key, 'mask.bits')).rejects.toThrow(/artifact mask\/[0-9a-f]{64}: file mask.bits is missing/);
    expect(await makeOnce(made)).toBe(false);
    expect(made.times).toBe(2);
  });
});

describe('dropping', () => {
  it('removes an artifact as a whole before any of its files is deleted', async () => {
    await makeOnce({ times: 0 });
    const seen: string[][] = [];
    const watching = (async () => {
      for (;;) {
        const names = await readdir(folder()).catch(() => undefined);
        if (names === undefined) return;
        seen.push(names.sort());
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await store.drop('mask', key);
    await watching;
    for (const names of seen) expect(names).toEqual(['manifest.json', 'mask.bits']);
    expect(await readdir(join(root, 'drafts'))).toEqual([]);
  });

  it('is one rename: an artifact that cannot be moved stays whole', async () => {
    await makeOnce({ times: 0 });
    await rm(join(root, 'drafts'), { recursive: true });
    await writeFile(join(root, 'drafts'), 'a file in place of the folder');
    await expect(store.drop('mask', key)).rejects.toThrow();
    expect((await readdir(folder())).sort()).toEqual(['manifest.json', 'mask.bits']);
  });

  it('does not disturb a concurrent lookup', async () => {
    await makeOnce({ times: 0 });
    const backend = store.backend as ArtifactFolder;
    await backend.drop('mask', key);
    // As a reader does that has just found it incomplete.
    await backend.quarantine('mask', key);
    const log = await readFile(join(root, 'log.jsonl'), 'utf8');
    expect(log).not.toContain('damaged');
  });

  it('between finding and reading reports the artifact as lost, and it is made again', async () => {
    await makeOnce({ times: 0 });
    const backend = store.backend as ArtifactFolder;
    const find = backend.find.bind(backend);
    backend.find = async (kind, which) => {
      const found = await find(kind, which);
      await backend.drop(kind, which);
      return found;
    };
    await expect(store.readPieces('mask', key, 'mask.bits', [1000]).next()).rejects.toThrow(ArtifactLostError);
  });

  it('during a lookup makes the artifact again', async () => {
    const made = { times: 0 };
    await makeOnce(made);
    const backend = store.backend as ArtifactFolder;
    const touch = backend.touch.bind(backend);
    backend.touch = async (manifest) => {
      backend.touch = touch;
      await backend.drop('mask', key);
      return await touch(manifest);
    };
    expect(await makeOnce(made)).toBe(false);
    expect(made.times).toBe(2);
  });
});

describe('collecting', () => {
  const age = (): Promise<void> => utimes(join(folder(), 'manifest.json'), 1000, 1000);
  const limit = (): number => Date.now() - 3_600_000;
  const none = (): Promise<ReadonlySet<string>> => Promise.resolve(new Set());

  it('keeps what a run has found since the listing', async () => {
    const made = { times: 0 };
    await makeOnce(made);
    await age();
    const old = await unusedSince(store.backend, limit());
    expect(old).toHaveLength(1);
    const begins = async (): Promise<ReadonlySet<string>> => {
      expect(await makeOnce(made)).toBe(true);
      return new Set();
    };
    expect(await dropUnused(store.backend, old, limit(), begins)).toEqual([]);
    expect(await store.find('mask', key)).toBeDefined();
    await age();
    expect(await dropUnused(store.backend, old, limit(), none)).toEqual(old);
    expect(await store.find('mask', key)).toBeUndefined();
  });

  it('checks before each removal which runs are in progress', async () => {
    await makeOnce({ times: 0 });
    await store.findOrMake('mask', 'another', () => Promise.resolve(null));
    const all = await unusedSince(store.backend, Date.now() + 60_000);
    expect(all).toHaveLength(2);
    let asked = 0;
    const begins = (): Promise<ReadonlySet<string>> => Promise.resolve(new Set(++asked === 1 ? [] : [all[1].key]));
    expect(await dropUnused(store.backend, all, Date.now() + 60_000, begins)).toEqual([all[0]]);
    expect(await store.find('mask', all[1].key)).toBeDefined();
  });

  it('puts back an artifact that is used at the moment of removal', async () => {
    await makeOnce({ times: 0 });
    await age();
    const backend = store.backend as ArtifactFolder;
    const takeOut = (Reflect.get(backend, 'takeOut') as (...words: string[]) => Promise<string | undefined>).bind(backend);
    Reflect.set(backend, 'takeOut', async (...words: string[]) => {
      const manifest = await backend.find('mask', key);
      if (manifest !== undefined) await backend.touch(manifest);
      return await takeOut(...words);
    });
    expect(await backend.dropUnused('mask', key, limit())).toBe(false);
    expect(Buffer.from(await store.read('mask', key, 'mask.bits')).equals(bytes)).toBe(true);
    expect(await readdir(join(root, 'drafts'))).toEqual([]);
  });
});

it('removes drafts that killed processes left a day ago, and no newer ones', async () => {
  await mkdir(join(root, 'drafts', 'old'), { recursive: true });
  await mkdir(join(root, 'drafts', 'young'));
  const longAgo = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(join(root, 'drafts', 'old'), longAgo, longAgo);
  await store.removeOldDrafts();
  expect(await readdir(join(root, 'drafts'))).toEqual(['young']);
});
