import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchModel, fetchModelConfig, hubSettings } from '../../../files/hub/index.js';
import { HubServer } from '../../helpers/hub-server.js';

const index = JSON.stringify({ weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } });
const sharded = {
  'config.json': '{}',
  'model.safetensors.index.json': index,
  'model-00001-of-00002.safetensors': 'one',
  'model-00002-of-00002.safetensors': 'two',
  'model-00003-of-00002.safetensors': 'of another one',
  'tokenizer.json': '{}',
  'tokenizer_config.json': '{}',
  LICENSE: 'free',
  'README.md': '# card',
  'modeling.py': 'raise',
  'pytorch_model.bin': 'pickle',
  'pytorch_model.bin.index.json': '{}',
  'onnx/model.onnx': 'graph',
  'onnx/config.json': '{}',
};

describe('a model of a hub', () => {
  const server = new HubServer();
  let home: string;
  const get = (repository: string, more: NodeJS.ProcessEnv = {}, revision = 'main') => fetchModel({ repository, revision }, hubSettings({ HF_HOME: home, HF_ENDPOINT: server.url, ...more }));
  const downloads = (): string[] => server.requests.filter((request) => request.includes('/resolve/')).map((request) => request.split('/').at(-1) ?? '').sort();

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'hub-model-'));
    await server.start();
  });
  afterEach(async () => {
    await server.stop();
    server.repositories.clear();
    server.troubles.clear();
    server.requests.length = 0;
    rmSync(home, { recursive: true, force: true });
  });

  it('comes with the shards of its index, config, tokenizer and licence, and nothing else', async () => {
    const commit = server.add('org/name', sharded);
    const { folder, commit: found } = await get('org/name');
    expect(found).toBe(commit);
    expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json', 'tokenizer.json', 'tokenizer_config.json']);
    server.requests.length = 0;
    expect(await get('org/name', {}, commit)).toEqual({ folder, commit });
    expect(await get('org/name', { HF_HUB_OFFLINE: '1' })).toEqual({ folder, commit });
    expect(server.requests).toEqual([]);
  });

  it('downloads only what is missing', async () => {
    const commit = server.add('org/name', sharded);
    const { folder } = await get('org/name');
    rmSync(join(folder, 'model-00002-of-00002.safetensors'));
    await expect(get('org/name', { HF_HUB_OFFLINE: '1' })).rejects.toMatchObject({ name: 'NotInCacheError', message: expect.stringContaining('model-00002-of-00002.safetensors') as string });
    server.requests.length = 0;
    await get('org/name', {}, commit);
    // The blob still exists, so not even this file is downloaded.
    expect(downloads()).toEqual([]);
    expect(existsSync(join(folder, 'model-00002-of-00002.safetensors'))).toBe(true);
  });

  it('without a tokenizer asks for it only once', async () => {
    const commit = server.add('org/bare', { 'config.json': '{}', 'model.safetensors': 'w' });
    await get('org/bare', {}, commit);
    server.requests.length = 0;
    await get('org/bare', {}, commit);
    expect(server.requests).toEqual([]);
  });

  it('never exists in part: without one of its shards there is no model', async () => {
    server.add('org/name', sharded);
    server.troubles.set('model-00002-of-00002.safetensors', { status: 403, times: Infinity });
    await expect(get('org/name')).rejects.toMatchObject({ name: 'HubAccessError' });
    await expect(get('org/name', { HF_HUB_OFFLINE: '1' })).rejects.toMatchObject({ name: 'NotInCacheError' });
  });

  it('comes as PyTorch weights if there are no safetensors, as its index names them', async () => {
    const weights = { 'pytorch_model-1.bin': 'one', 'pytorch_model-2.bin': 'two', 'pytorch_model-3.bin': 'not named' };
    const shards = JSON.stringify({ weight_map: { a: 'pytorch_model-1.bin', b: 'pytorch_model-2.bin' } });
    const commit = server.add('org/opt', { 'config.json': '{}', 'pytorch_model.bin.index.json': shards, ...weights });
    const { folder } = await get('org/opt');
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'pytorch_model-1.bin', 'pytorch_model-2.bin', 'pytorch_model.bin.index.json']);
    server.requests.length = 0;
    await get('org/opt', {}, commit);
    expect(server.requests).toEqual([]);

    server.add('org/single', { 'config.json': '{}', 'pytorch_model.bin': 'all', 'flax_model.msgpack': 'f' });
    expect(readdirSync((await get('org/single')).folder).sort()).toEqual(['config.json', 'pytorch_model.bin']);
  });

  it('is refused with a message if there are no readable weights', async () => {
    server.add('org/pickle', { 'config.json': '{}', 'model.pt': 'p', 'consolidated.00.pth': 'p' });
    await expect(get('org/pickle')).rejects.toMatchObject({
      name: 'PickleRepositoryError', retryable: false, message: expect.stringMatching(/files of a kind that is not supported \(.*model\.pt.*from_pretrained/) as string,
    });
    server.add('org/gguf', { 'config.json': '{}', 'model.gguf': 'g' });
    await expect(get('org/gguf')).rejects.toMatchObject({ name: 'NoModelError', message: expect.stringContaining('model.gguf') as string });
    server.add('org/no-config', { 'model.safetensors': 'w' });
    await expect(get('org/no-config')).rejects.toMatchObject({ name: 'NoModelError' });
    server.add('org/broken', { 'config.json': '{}', 'model.safetensors.index.json': index, 'model-00001-of-00002.safetensors': 'one' });
    await expect(get('org/broken')).rejects.toMatchObject({ name: 'NoModelError', message: expect.stringContaining('model-00002-of-00002.safetensors') as string });
    server.add('org/escape', { 'config.json': '{}', 'model.safetensors.index.json': JSON.stringify({ weight_map: { a: '../../x.safetensors' } }) });
    await expect(get('org/escape')).rejects.toMatchObject({ name: 'NoModelError' });
    // Small files were checked first, and no large file was downloaded.
    expect(server.requests.filter((request) => request.startsWith('CDN'))).toEqual([]);
  });

  it('does not start a download that will not fit', async () => {
    server.add('org/name', sharded);
    server.claimedSize.set('model-00002-of-00002.safetensors', 1e18);
    await expect(get('org/name')).rejects.toMatchObject({ name: 'CacheFullError', retryable: true });
    expect(server.requests.filter((request) => request.startsWith('CDN'))).toEqual([]);
    server.claimedSize.clear();
  });

  it('can be fetched without weights, as a config only', async () => {
    server.add('org/name', sharded);
    const { folder } = await fetchModelConfig({ repository: 'org/name', revision: 'main' }, hubSettings({ HF_HOME: home, HF_ENDPOINT: server.url }));
    expect(readdirSync(folder)).toEqual(['config.json']);
    expect(downloads()).toEqual(['config.json']);
  });

  it('with a damaged index in the cache is reported', async () => {
    const commit = server.add('org/name', sharded);
    const { folder } = await get('org/name');
    rmSync(join(folder, 'model.safetensors.index.json'));
    writeFileSync(join(folder, 'model.safetensors.index.json'), 'no json');
    await expect(get('org/name', {}, commit)).rejects.toMatchObject({ name: 'NoModelError' });
  });
});
