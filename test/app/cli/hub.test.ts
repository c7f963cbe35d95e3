/** A run from the command line whose model and texts come from a hub. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../helpers/demo-run.js';
import { HubServer } from '../../helpers/hub-server.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { runProgram, startProgram } from './run-program.js';

requireTemporalCli();
const wikitext = 'b08601e04326c79dfdd32d625aee71d232d685c3';

describe('a model and texts from a hub', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'hub-run-'));
  const state = path.join(root, 'state');
  const home = path.join(root, 'home');
  const file = path.join(root, 'small.yaml');
  const server = new HubServer();
  const token = `hf_${randomBytes(24).toString('base64url')}`;
  let commit = '';
  let own: OwnNamespace;
  let env: NodeJS.ProcessEnv = {};

  function parquet(text: string): Buffer {
    const filename = path.join(root, 'made.parquet');
    parquetWriteFile({ filename, columnData: [{ name: 'text', data: readFileSync(path.join(demoFolder, text), 'utf8').split('\n'), type: 'STRING' }] });
    return readFileSync(filename);
  }

  beforeAll(async () => {
    mkdirSync(home);
    // As `hf auth login` leaves it. The environment does not contain it.
    writeFileSync(path.join(home, 'token'), token);
    await server.start();
    const model = path.join(demoFolder, 'model');
    commit = server.add('org/stories', Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(path.join(model, name))])), { token });
    server.add('datasets/Salesforce/wikitext', {
      'wikitext-2-raw-v1/train-00000-of-00001.parquet': parquet('calibration.txt'),
      'wikitext-2-raw-v1/test-00000-of-00001.parquet': parquet('heldout.txt'),
    }, { commit: wikitext });
    own = await ownNamespace('hub');
    env = { ...own.env, HF_HUB_DOWNLOAD_TIMEOUT: '120', HF_HOME: home, HF_ENDPOINT: server.url, HF_TOKEN: undefined, HF_HUB_CACHE: undefined, HF_HUB_OFFLINE: undefined };
    writeFileSync(file, `
version: 1
name: small
model: { source: org/stories, revision: main }
stages:
  - calibration: { dataset: { name: wikitext2 }, samples: 8, sequenceLength: 32, sampling: random, seed: 0 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - evaluation: { states: [dense, initial], perplexity: [{ dataset: { name: wikitext2 }, maxWindows: 4 }] }
`);
  });
  afterAll(async () => {
    await own.client.connection.close();
    await server.stop();
    rmSync(root, { recursive: true });
  });

  const run = (...words: string[]) => ['run', file, '--state', state, ...words];
  const seen = (part: string): string[] => server.requests.filter((request) => request.includes(part));

  it('continue where they stopped when the hub is killed and comes back', async () => {
    server.troubles.set('model.safetensors', { hangAfter: 40_000, times: 1 });
    const program = startProgram('temporal-pipeline', run('--json'), { env });
    // A worker's progress reaches the Temporal server every few seconds.
    while (!program.said().includes('downloading org/stories: model.safetensors, ')) await sleep(50);
    const { port } = server;
    await server.stop();
    await server.start(port);
    const ended = await program.ended;
    expect(ended.code, ended.stderr).toBe(0);
    const weights = seen('model.safetensors').filter((request) => request.startsWith('CDN'));
    expect(weights.map((request) => request.split(' ')[2])).toEqual([undefined, 'bytes=40000-']);

    const result = JSON.parse(ended.stdout) as { model: object; perplexity: Record<string, object>; lock: string };
    expect(result.model).toMatchObject({ repo: 'org/stories', revision: commit });
    expect(Object.keys(result.perplexity['dense'] ?? {})).toEqual(['wikitext2']);
    const lock = readFileSync(result.lock, 'utf8');
    for (const line of [`repo: org/stories`, `revision: ${commit}`, `Salesforce/wikitext@${wikitext}/wikitext-2-raw-v1/train-00000-of-00001.parquet: `, `org/stories@${commit}/tokenizer.json: `]) expect(lock).toContain(line);
    expect(lock).not.toContain(root);
    writeFileSync(path.join(root, 'small.lock.yaml'), lock);
  });

  it('need no hub if they are in the cache, and stay at the commit of the lock when the branch has moved', async () => {
    server.add('org/stories', { 'config.json': '{}' });
    server.requests.length = 0;
    const locked = await runCommand(run('--locked', '--json'), { env });
    expect(locked.code, locked.stderr).toBe(0);
    expect(JSON.parse(locked.stdout)).toMatchObject({ model: { revision: commit } });
    expect(server.requests).toEqual([]);
    const offline = await runCommand(run('--json', '--set', `model.revision=${commit}`, '--set', 'name=offline'), { env: { ...env, HF_HUB_OFFLINE: '1' } });
    expect(offline.code, offline.stderr).toBe(0);
    expect(server.requests).toEqual([]);
  });

  it('can be planned from the config alone', async () => {
    const other = { ...env, HF_HOME: path.join(root, 'other'), HF_TOKEN: token };
    // Measuring the machine needs a process of the built program.
    const planned = await runProgram('temporal-pipeline', ['plan', file, '--state', state, '--set', `model.revision=${commit}`], { env: other });
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout).toContain('(config.json only)');
    expect(seen('model.safetensors')).toEqual([]);
  });

  it('fail once with a message if the hub refuses, and the token is written nowhere', async () => {
    server.add('org/gated', { 'config.json': '{}' }, { gated: true });
    const refused = await runCommand(run('--set', 'model.source=org/gated'), { env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/GatedRepositoryError.*its conditions must be accepted first/);
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      const written = path.join(root, name);
      if (written !== path.join(home, 'token') && statSync(written).isFile()) expect(readFileSync(written).includes(token), name).toBe(false);
    }
  });
});
