/** A whole pipeline on a server with mutual TLS and an API key, with encrypted payloads: what is sent, what is written, which ports listen. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureLocalServer, leaveLocalServer } from '../../../app/cli/local/local-server.js';
import { serverAddress } from '../../../app/cli/local/server-record.js';
import { Authority } from '../../helpers/certificates.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { needs, where } from '../../helpers/needs.js';
import { commandOf, environmentOf, listeningAddresses, processesOf } from '../../helpers/processes.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { startTlsProxy, type TlsProxy } from '../../helpers/tls-proxy.js';
import { runCommand } from './run-command.js';
import { startProgram, type Ended } from './run-program.js';

const demo = path.join(demoFolder, '..', 'demo.yaml');
requireTemporalCli();
const small = ['--set', 'calibration.samples=2', '--set', 'rebuild.strategy=published', '--set', 'evaluation.perplexity.0.maxWindows=1', '--set', 'evaluation.states=[initial]'];

describe('shared clusters', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'company-'));
  const state = path.join(root, 'state');
  const canary = (): string => randomBytes(24).toString('base64url');
  const apiKey = canary();
  const payloadKey = randomBytes(32).toString('base64');
  const secrets: NodeJS.ProcessEnv = {
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_GRPC_META_X_CANARY: canary(),
    TEMPORAL_CODEC_AUTH: canary(),
    HF_TOKEN: canary(),
    HUGGING_FACE_HUB_TOKEN: canary(),
    AWS_ACCESS_KEY_ID: canary(),
    AWS_SECRET_ACCESS_KEY: canary(),
    AWS_SESSION_TOKEN: canary(),
    LLM_BARBER_PAYLOAD_KEY: `k1:${payloadKey}`,
  };
  let env: NodeJS.ProcessEnv = {};
  let withoutKey: NodeJS.ProcessEnv = {};
  let proxy: TlsProxy;
  let plain: Client;
  let ended: Ended;
  let failed: Ended;
  let runId = '';
  let workflowId = '';
  const listening: Record<string, string[]> = {};
  const environments: Record<string, string> = {};

  const pipeline = (words: string[], environment = env) => runCommand([...words, '--state', state], { env: environment });

  beforeAll(async () => {
    const authority = new Authority(root, 'authority');
    const client = authority.issue('client');
    process.env['HF_TOKEN'] = secrets['HF_TOKEN'];
    const server = await ensureLocalServer(state);
    delete process.env['HF_TOKEN'];
    proxy = await startTlsProxy({ upstream: serverAddress(server), server: authority.issue('localhost'), clientAuthority: authority.own.cert, apiKey });
    secrets['TEMPORAL_TLS_CLIENT_KEY_DATA'] = readFileSync(client.key, 'utf8');
    env = {
      ...secrets,
      // Contains everything that the pipeline names, but not the model of the failing run.
      LLM_BARBER_ALLOW_PATH: demoFolder,
      TEMPORAL_ADDRESS: `localhost:${proxy.port}`,
      TEMPORAL_CONFIG_FILE: path.join(root, 'none.toml'),
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.own.cert,
      TEMPORAL_TLS_CLIENT_CERT_DATA: readFileSync(client.cert, 'utf8'),
    };
    withoutKey = { ...env, LLM_BARBER_PAYLOAD_KEY: '' };
    plain = new Client({ connection: await Connection.connect({ address: serverAddress(server), tls: false }) });

    const run = startProgram('temporal-pipeline', ['run', demo, '--state', state, '--json', '--verbose', ...small], { env });
    let running = true;
    const end = run.ended.finally(() => (running = false));
    while (running) {
      if (needs.linux.met) {
        // The server runs inside its folder, so its command line does not contain the state folder.
        for (const pid of [server.pid, ...processesOf(state)]) {
          const name = commandOf(pid);
          listening[name] = [...(listening[name] ?? []), ...listeningAddresses(pid)];
          environments[name] = (environments[name] ?? '') + environmentOf(pid);
        }
      }
      await sleep(100);
    }
    ended = await end;
    ({ workflowId, runId } = JSON.parse(ended.stdout) as { workflowId: string; runId: string });
    failed = await pipeline(['run', demo, '--json', '--set', `model.source=/no/${secrets['HF_TOKEN']}/model`, '--set', 'name=failing']);
  });

  afterAll(async () => {
    await plain?.connection.close();
    await proxy?.close();
    await leaveLocalServer(state);
    rmSync(root, { recursive: true });
  });

  it('let client and worker connect through mutual TLS with the API key, and complete the run', () => {
    expect(ended.code, ended.stderr).toBe(0);
    expect(proxy.authorizations.length).toBeGreaterThan(100);
    expect(new Set(proxy.authorizations)).toEqual(new Set([`Bearer ${apiKey}`]));
  });

  it('store only encrypted data of a run', async () => {
    const history = await plain.workflow.getHandle(workflowId, runId).fetchHistory();
    const encodings = new Set<string>();
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
      const { metadata } = value as { metadata?: { encoding?: Uint8Array } | null };
      if (metadata?.encoding) encodings.add(Buffer.from(metadata.encoding).toString());
      Object.values(value).forEach(walk);
    };
    walk(history);
    expect(encodings).toEqual(new Set(['binary/encrypted']));
    const database = readdirSync(path.join(state, 'temporal')).filter((name) => name.startsWith('server.db'));
    const kept = Buffer.concat(database.map((name) => readFileSync(path.join(state, 'temporal', name))));
    expect(kept.includes(workflowId)).toBe(true);
    for (const word of ['maxWindows', 'sequenceLength', 'mask.safetensors', demoFolder]) expect(kept.includes(word), word).toBe(false);
  });

  it('encrypt the message of a failure, which is readable with the key', async () => {
    const { status, error, ...ids } = JSON.parse(failed.stdout) as { status: string; error: { message: string }; workflowId: string; runId: string };
    expect(status).toBe('failed');
    expect(error.message).toMatch(/^model\.source: \/no\/\[secret\]\/model is not in a folder that this worker lets pipelines read; expected a path within .*\/pipelines\/demo or .*\/state\. .*--allow-path/);
    const history = await plain.workflow.getHandle(ids.workflowId, ids.runId).fetchHistory();
    const failures = (history.events ?? []).flatMap(({ activityTaskFailedEventAttributes: activity, workflowExecutionFailedEventAttributes: workflow }) => [activity?.failure ?? [], workflow?.failure ?? []].flat());
    expect(failures.map(({ message }) => message)).toEqual(['Encoded failure', 'Encoded failure']);
  });

  it('allow listing and watching with the key, and show a message without it', async () => {
    const [listed, watched, blindList, blindWatch] = await Promise.all([
      pipeline(['list', '--json']), pipeline(['watch', workflowId, '--json']),
      pipeline(['list'], withoutKey), pipeline(['watch', workflowId], withoutKey),
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ pipelines: [{ name: 'failing' }, { name: 'demo', workflowId }] });
    expect(JSON.parse(watched.stdout)).toMatchObject({ status: 'completed', name: 'demo' });
    for (const { code, stderr, stdout } of [blindList, blindWatch]) {
      expect(stderr + stdout).toMatch(/payload encrypted with key "k1": this process has no payload key\. Set LLM_BARBER_PAYLOAD_KEY_FILE/);
      expect(code).toBe(2);
    }
  });

  it('leave no secret in the state folder, the histories or the output', async () => {
    const handle = plain.workflow.getHandle(workflowId, runId);
    const places: Record<string, Buffer> = {
      printed: Buffer.from([ended, failed].map(({ stdout, stderr }) => stdout + stderr).join('\n')),
      history: Buffer.from(JSON.stringify(await handle.fetchHistory())),
    };
    for (const name of readdirSync(state, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(state, name);
      if (statSync(file).isFile()) places[name] = readFileSync(file);
    }
    expect(Object.keys(places)).toEqual(expect.arrayContaining(['logs/run.jsonl', 'logs/server.log', 'temporal/server.db', `runs/${workflowId}/report.md`]));
    const needles = Object.values(secrets).flatMap((secret = '') => [secret, secret.replace(/^k1:/, ''), secret.split('\n')[1] ?? secret]);
    for (const [place, bytes] of Object.entries(places)) {
      for (const needle of needles) expect(bytes.includes(needle) || bytes.includes(Buffer.from(needle).toString('base64').slice(0, 30)), `${place} holds ${needle}`).toBe(false);
    }
  });

  it('open ports on the loopback interface only', where(needs.linux), () => {
    const all = Object.values(listening).flat();
    expect(Object.keys(listening).some((line) => line.includes('programs/compute.js'))).toBe(true);
    // At least gRPC and the web page.
    expect(all.length).toBeGreaterThan(1);
    expect(all.filter((address) => !address.startsWith('127.'))).toEqual([]);
  });

  it('give no secrets to processes that do not need them', where(needs.linux), () => {
    const of = (word: string): string => environments[Object.keys(environments).find((name) => name.includes(word)) ?? ''] ?? '';
    for (const part of ['start-dev', 'programs/compute.js']) expect(of(part), part).toContain('PATH=');
    expect(of('start-dev')).not.toContain('HF_TOKEN');
    expect(of('programs/compute.js')).not.toMatch(/TEMPORAL_|LLM_BARBER_PAYLOAD_KEY/);
  });
});
