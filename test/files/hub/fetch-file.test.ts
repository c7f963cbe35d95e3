import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thisMachine } from '../../../files/artifacts/index.js';
import { withoutSecrets } from '../../../errors/secrets.js';
import { fetchFile, hubSettings, type DownloadProgress, type HubSettings } from '../../../files/hub/index.js';
import { hubFetch } from '../../../files/hub/request.js';
import { gitSha1, HubServer, sha256 } from '../../helpers/hub-server.js';

const weights = randomBytes(300_000);
const config = '{"model_type": "llama"}';
const model = { type: 'model', repository: 'org/name', revision: 'main' } as const;

describe('a file of a hub', () => {
  const server = new HubServer();
  let home: string;
  let commit: string;
  const settings = (more: NodeJS.ProcessEnv = {}): HubSettings => hubSettings({ HF_HOME: home, HF_ENDPOINT: server.url, HF_HUB_DOWNLOAD_TIMEOUT: '1', ...more });
  const folder = (...path: string[]): string => join(home, 'hub', 'models--org--name', ...path);

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'hub-'));
    await server.start();
    commit = server.add('org/name', { 'config.json': config, 'model.safetensors': weights, 'sub/note.txt': 'deep' });
  });
  afterEach(async () => {
    await server.stop();
    server.repositories.clear();
    server.troubles.clear();
    server.claimedSize.clear();
    server.requests.length = 0;
    server.tokens.hub.length = 0;
    server.tokens.cdn.length = 0;
    rmSync(home, { recursive: true, force: true });
  });

  it('goes into the shared cache under its checksum, with progress reports', async () => {
    const told: DownloadProgress[] = [];
    const found = await fetchFile({ ...model, path: 'model.safetensors', onProgress: (progress) => told.push(progress) }, settings());
    expect(found).toEqual({ file: folder('snapshots', commit, 'model.safetensors'), commit });
    expect(readFileSync(found.file).equals(weights)).toBe(true);
    expect(readlinkSync(found.file)).toBe(`../../blobs/${sha256(weights)}`);
    expect(readFileSync(folder('refs', 'main'), 'utf8')).toBe(commit);
    expect(told.at(-1)).toEqual({ path: 'model.safetensors', doneBytes: 300_000, totalBytes: 300_000 });

    const deep = await fetchFile({ ...model, path: 'sub/note.txt' }, settings());
    expect(readlinkSync(deep.file)).toBe(`../../../blobs/${gitSha1(Buffer.from('deep'))}`);
    expect(readdirSync(folder('blobs')).sort()).toEqual([sha256(weights), gitSha1(Buffer.from('deep'))].sort());
  });

  it('needs no request once it is in the cache, pinned or offline', async () => {
    const { file } = await fetchFile({ ...model, path: 'config.json' }, settings());
    server.requests.length = 0;
    expect(await fetchFile({ ...model, revision: commit, path: 'config.json' }, settings())).toEqual({ file, commit });
    expect(await fetchFile({ ...model, path: 'config.json' }, settings({ HF_HUB_OFFLINE: '1' }))).toEqual({ file, commit });
    expect(readdirSync(folder('snapshots', commit)).map((path) => ({ path, size: statSync(folder('snapshots', commit, path)).size }))).toEqual([{ path: 'config.json', size: config.length }]);
    expect(server.requests).toEqual([]);
    await expect(fetchFile({ ...model, path: 'model.safetensors' }, settings({ HF_HUB_OFFLINE: '1' }))).rejects.toMatchObject({ name: 'NotInCacheError', retryable: false });
    await expect(fetchFile({ ...model, revision: 'other', path: 'config.json' }, settings({ TRANSFORMERS_OFFLINE: 'yes' }))).rejects.toMatchObject({ name: 'NotInCacheError' });
  });

  it('follows a branch that moves, and shares unchanged files', async () => {
    const first = await fetchFile({ ...model, path: 'model.safetensors' }, settings());
    const moved = server.add('org/name', { 'config.json': '{}', 'model.safetensors': weights });
    server.requests.length = 0;
    const second = await fetchFile({ ...model, path: 'model.safetensors' }, settings());
    expect(second.commit).toBe(moved);
    expect(realpathSync(second.file)).toBe(realpathSync(first.file));
    expect(server.requests.some((request) => request.startsWith('CDN'))).toBe(false);
    expect(readFileSync(first.file).equals(weights)).toBe(true);
  });

  it('continues where the connection was cut', async () => {
    server.troubles.set('model.safetensors', { cutAfter: 10_000, times: 2 });
    const { file } = await fetchFile({ ...model, path: 'model.safetensors' }, settings());
    expect(readFileSync(file).equals(weights)).toBe(true);
    const ranges = server.requests.filter((request) => request.startsWith('CDN')).map((request) => request.split(' ')[2]);
    expect(ranges).toEqual([undefined, 'bytes=10000-', 'bytes=20000-']);
  });

  it('continues after a silent connection', async () => {
    server.troubles.set('model.safetensors', { hangAfter: 50_000, times: 1 });
    expect(readFileSync((await fetchFile({ ...model, path: 'model.safetensors' }, settings())).file).equals(weights)).toBe(true);
    expect(server.requests.at(-1)).toContain('bytes=50000-');
  });

  it('continues where another process was killed', async () => {
    // The file is named after a process that no longer exists.
    const { pid = 0 } = spawnSync(process.execPath, ['--version']);
    await fetchFile({ ...model, path: 'config.json' }, settings());
    const left = folder('blobs', `${sha256(weights)}.${pid}-1-${sha256(Buffer.from(thisMachine())).slice(0, 16)}.incomplete`);
    writeFileSync(left, weights.subarray(0, 120_000));
    const { file } = await fetchFile({ ...model, path: 'model.safetensors' }, settings());
    expect(readFileSync(file).equals(weights)).toBe(true);
    expect(server.requests.at(-1)).toContain('bytes=120000-');
    expect(readdirSync(folder('blobs')).filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('leaves its partial data to the next attempt, in any process, when it gives up', async () => {
    server.troubles.set('model.safetensors', { cutAfter: 90_000, times: 1 });
    const first = fetchFile({ ...model, path: 'model.safetensors' }, settings());
    first.catch(() => undefined);
    while (server.troubles.get('model.safetensors')?.times !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
    server.troubles.set('model.safetensors', { status: 403, times: 1 });
    await expect(first).rejects.toMatchObject({ name: 'HubAccessError' });
    expect(readdirSync(folder('blobs'))).toEqual([`${sha256(weights)}.free.incomplete`]);
    expect(readFileSync((await fetchFile({ ...model, path: 'model.safetensors' }, settings())).file).equals(weights)).toBe(true);
    expect(server.requests.at(-1)).toContain('bytes=90000-');
  });

  it('is downloaded once for two concurrent requests', async () => {
    server.troubles.set('model.safetensors', { hangAfter: 10, times: 1 });
    await Promise.all([0, 1].map(() => fetchFile({ ...model, path: 'model.safetensors' }, settings())));
    expect(server.requests.filter((request) => request.startsWith('CDN')).map((request) => request.split(' ')[2])).toEqual([undefined, 'bytes=10-']);
  });

  it('starts over if the server sends the whole file instead of the rest', async () => {
    server.troubles.set('model.safetensors', { cutAfter: 100_000, times: 1 });
    const broken = settings();
    const first = fetchFile({ ...model, path: 'model.safetensors' }, broken);
    while (server.troubles.get('model.safetensors')?.times !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
    server.troubles.set('model.safetensors', { ignoreRange: true, times: 1 });
    expect(readFileSync((await first).file).equals(weights)).toBe(true);
    expect(server.requests.filter((request) => request.startsWith('CDN'))).toHaveLength(2);
  });

  it('is requested again after a temporary problem of the hub', async () => {
    server.troubles.set('config.json', { status: 503, times: 2 });
    expect(readFileSync((await fetchFile({ ...model, path: 'config.json' }, settings())).file, 'utf8')).toBe(config);
  });

  it('is downloaded once more after a wrong byte, and given up after two, with nothing kept', async () => {
    server.troubles.set('model.safetensors', { corrupt: true, times: 1 });
    expect(readFileSync((await fetchFile({ ...model, path: 'model.safetensors' }, settings())).file).equals(weights)).toBe(true);
    server.troubles.set('config.json', { corrupt: true, times: Infinity });
    await expect(fetchFile({ ...model, path: 'config.json' }, settings())).rejects.toMatchObject({ name: 'ChecksumMismatchError', retryable: false });
    expect(readdirSync(folder('blobs'))).toEqual([sha256(weights)]);
    expect(existsSync(folder('snapshots', commit, 'config.json'))).toBe(false);
  });

  it('has an error of its own for each kind of unavailability', async () => {
    const get = (more: object, environment = {}): Promise<unknown> => fetchFile({ ...model, path: 'config.json', ...more }, settings(environment));
    await expect(get({ repository: 'org/other' })).rejects.toMatchObject({ name: 'RepositoryNotFoundError', retryable: false });
    await expect(get({ revision: 'v2' })).rejects.toMatchObject({ name: 'RevisionNotFoundError', retryable: false });
    await expect(get({ revision: 'f'.repeat(40) })).rejects.toMatchObject({ name: 'RevisionNotFoundError' });
    await expect(get({ path: 'no.json' })).rejects.toMatchObject({ name: 'RepositoryFileNotFoundError', retryable: false });
    server.add('org/gated', { 'config.json': config }, { gated: true });
    await expect(get({ repository: 'org/gated' })).rejects.toMatchObject({ name: 'GatedRepositoryError', retryable: false, message: expect.stringContaining(`${server.url}/org/gated`) as string });
    server.add('org/private', { 'config.json': config }, { token: 'a-secret-token' });
    await expect(get({ repository: 'org/private' })).rejects.toMatchObject({ name: 'HubAccessError', message: expect.stringContaining('HF_TOKEN') as string });
    await expect(get({ repository: 'org/private' }, { HF_TOKEN: 'wrong-token' })).rejects.toMatchObject({ name: 'HubAccessError', message: expect.not.stringContaining('wrong-token') as string });
    await expect(get({ repository: 'org/private' }, { HF_TOKEN: 'a-secret-token' })).resolves.toBeDefined();
    server.claimedSize.set('config.json', 1e18);
    await expect(get({ revision: commit })).rejects.toMatchObject({ name: 'CacheFullError', retryable: true });
    await server.stop();
    await expect(get({ revision: commit })).rejects.toMatchObject({ name: 'HubUnreachableError', retryable: true });
    await server.start();
  }, 60_000);

  it('cannot have a name outside the cache', async () => {
    for (const wrong of [{ path: '../../x' }, { path: '/etc/passwd' }, { path: 'a\\..\\b' }, { repository: '../x' }, { repository: 'a/b/c' }, { revision: '../../../x' }]) {
      await expect(fetchFile({ ...model, path: 'config.json', ...wrong }, settings())).rejects.toMatchObject({ name: 'HubNameError' });
    }
  });

  it('sends the token only to the hub, wherever it comes from', async () => {
    await fetchFile({ ...model, path: 'model.safetensors' }, settings({ HF_TOKEN: 'env-token-1' }));
    writeFileSync(join(home, 'token'), 'file-token-2\n');
    await fetchFile({ ...model, path: 'config.json' }, settings());
    expect(new Set(server.tokens.hub)).toEqual(new Set(['Bearer env-token-1', 'Bearer file-token-2']));
    expect(server.tokens.cdn).toEqual(['']);
    // It is not sent either when the hub names another address, for example for the next page of a list.
    await hubFetch(settings({ HF_TOKEN: 'env-token-1' }), model)(`${server.cdnUrl}/org/name/${commit}/config.json`);
    expect(server.tokens.cdn).toEqual(['', '']);
    expect(withoutSecrets('it was file-token-2', {})).toBe('it was [secret]');
  });
});
