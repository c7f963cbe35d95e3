/** Fetches the outputs of a run that another machine's worker has made, from the store that both share. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../helpers/demo-run.js';
import { needs, where } from '../../helpers/needs.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { S3Server } from '../../helpers/s3-server.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';

requireTemporalCli();

const folder = mkdtempSync(path.join(tmpdir(), 'fetch-'));
const file = path.join(folder, 'small.yaml');
const pipeline = (outputs = ''): string => `version: 1
name: small
model: { source: ${path.join(demoFolder, 'model')} }
${outputs}stages:
  - initialMask: { method: magnitude, sparsity: 0.5 }
  - evaluation: { states: [initial], perplexity: [{ dataset: { file: ${path.join(demoFolder, 'heldout.txt')} }, maxWindows: 1, sequenceLength: 32 }] }
`;

let own: OwnNamespace;
beforeAll(async () => {
  own = await ownNamespace('fetch');
  writeFileSync(file, pipeline());
});
afterAll(async () => {
  await own?.client.connection.close();
  rmSync(folder, { recursive: true });
});

interface Ran {
  workflowId: string;
  checkpoint: string;
  kept?: Record<string, string>;
  perplexity: object;
}
async function run(state: string, env: NodeJS.ProcessEnv, ...words: string[]): Promise<Ran> {
  const { code, stdout, stderr } = await runCommand(['run', file, '--json', '--state', path.join(folder, state), ...words], { env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Ran;
}

const digestsOf = (of: string): Record<string, string> =>
  Object.fromEntries(readdirSync(of, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((name): [string, string] => [path.relative(of, name), createHash('sha256').update(readFileSync(name)).digest('hex')]).sort());

describe('a bucket', where(needs.s3Server), () => {
  let s3: S3Server;
  let env: NodeJS.ProcessEnv;
  let made: Ran;
  let original: Record<string, string>;
  beforeAll(async () => {
    s3 = await S3Server.start(path.join(folder, 's3'));
    env = { ...own.env, ...s3.environment, LLM_BARBER_STORE: 's3://barber/runs' };
    made = await run('worker', env);
    original = digestsOf(path.dirname(made.checkpoint));
    // The machine that made it is gone.
    rmSync(path.join(folder, 'worker'), { recursive: true });
  });
  afterAll(() => s3.kill());

  const fetch = async (...words: string[]) => {
    const { code, stdout, stderr } = await runCommand(['fetch', ...words, '--json', '--state', path.join(folder, 'here')], { env });
    return { code, stderr, json: code === 0 ? (JSON.parse(stdout) as { folder: string; brought: string[]; parts: string[] }) : undefined };
  };

  it('fetches checkpoint, mask and report byte for byte to where other commands find the run', async () => {
    const fetched = await fetch('small');
    expect(fetched.code, fetched.stderr).toBe(0);
    expect(fetched.json?.folder).toBe(path.join(folder, 'here', 'runs', made.workflowId));
    expect(digestsOf(fetched.json?.folder ?? '')).toEqual(original);
    const verified = await runCommand(['mask', 'verify', path.join(fetched.json?.folder ?? '', 'checkpoint'), '--state', path.join(folder, 'here')], { env });
    expect(verified.code, verified.stderr).toBe(0);
  });

  it('fetches nothing twice, continues after an interruption, and replaces changed files', async () => {
    const again = await fetch(made.workflowId);
    expect(again.json?.brought).toEqual([]);

    const there = path.join(folder, 'here', 'runs', made.workflowId);
    const weights = path.join(there, 'checkpoint', 'model.safetensors');
    const bytes = readFileSync(weights);
    // What a killed call leaves behind: the beginning of the file, under another name.
    rmSync(weights);
    writeFileSync(`${weights}.fetching`, bytes.subarray(0, 100_000));
    writeFileSync(path.join(there, 'mask.safetensors'), 'not a mask');
    const third = await fetch(file);
    expect(third.json?.brought.sort()).toEqual(['checkpoint/config.json', 'checkpoint/model.safetensors', 'mask.safetensors']);
    expect(digestsOf(there)).toEqual(original);

    // If the beginning does not match, it is not reused.
    rmSync(weights);
    writeFileSync(`${weights}.fetching`, 'x'.repeat(100_000));
    await fetch();
    expect(digestsOf(there)).toEqual(original);
  });

  it('fetches a single part to another folder', async () => {
    const to = path.join(folder, 'elsewhere');
    const fetched = await fetch(made.workflowId, '--to', to, '--only', 'mask');
    expect(fetched.json?.parts).toEqual(['mask']);
    expect(readdirSync(to).sort()).toEqual(['mask.safetensors', 'proof.json']);
    expect((await fetch(made.workflowId, '--only', 'masks')).stderr).toMatch(/"masks" is not a part.*expected one of checkpoint, mask, report/);
  });

  it('replaces another checkpoint, and removes its files that loaders would read', async () => {
    const to = path.join(folder, 'replaced');
    mkdirSync(path.join(to, 'checkpoint'), { recursive: true });
    for (const name of ['config.json', 'model.safetensors', 'pytorch_model.bin', 'added_tokens.json']) writeFileSync(path.join(to, 'checkpoint', name), 'another');
    writeFileSync(path.join(to, 'checkpoint', 'notes.md'), 'mine');
    await fetch(made.workflowId, '--to', to, '--only', 'checkpoint');
    const wanted = Object.entries(original).filter(([name]) => name.startsWith('checkpoint'));
    expect(digestsOf(to)).toEqual({ ...Object.fromEntries(wanted), 'checkpoint/notes.md': createHash('sha256').update('mine').digest('hex') });
  });

  it('reports bytes in the bucket that are not those of the run', async () => {
    const object = s3.fileOf(`runs/output/${made.kept?.['mask'].slice(0, 2)}/${made.kept?.['mask']}/mask.safetensors`);
    const bytes = readFileSync(object);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(object, bytes);
    const damaged = await fetch(made.workflowId, '--to', path.join(folder, 'damaged'));
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/mask\.safetensors of output .* in s3:\/\/barber\/runs\/: its bytes differ from those that the run wrote/);
    expect(existsSync(path.join(folder, 'damaged', 'mask.safetensors'))).toBe(false);
  });

  it('refuses an unknown run, and does not mix runs', async () => {
    const unknown = await fetch('never');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/s3:\/\/barber\/runs\/: the store keeps no outputs of never/);
    const other = path.join(folder, 'here', 'runs', made.workflowId, 'result.json');
    writeFileSync(other, readFileSync(other, 'utf8').replace(/"configDigest": "./, '"configDigest": "?'));
    expect((await fetch(made.workflowId)).stderr).toMatch(/there is a run with another result; expected no run, or the same one/);
  });
});

describe('the store of a state folder', () => {
  it('keeps outputs only if the pipeline asks for it, without storing a checkpoint twice', async () => {
    const plain = await run('local', own.env);
    expect(plain.kept).toBeUndefined();
    const none = await runCommand(['fetch', plain.workflowId, '--state', path.join(folder, 'local')], { env: own.env });
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/They are in .*\/local\/runs\/small-.*To keep them in the store, add `outputs/);

    writeFileSync(file, pipeline('outputs: { keep: [checkpoint] }\n'));
    const kept = await run('local', own.env);
    expect(Object.keys(kept.kept ?? {})).toEqual(['checkpoint']);
    const weights = path.join(kept.checkpoint, 'model.safetensors');
    const to = path.join(folder, 'copy');
    const { code, stderr } = await runCommand(['fetch', '--to', to, '--state', path.join(folder, 'local')], { env: own.env });
    expect(code, stderr).toBe(0);
    expect(readFileSync(path.join(to, 'checkpoint', 'model.safetensors')).equals(readFileSync(weights))).toBe(true);
    expect(existsSync(path.join(to, 'report.md'))).toBe(false);

    expect(statSync(weights).nlink).toBe(2);

    truncateSync(path.join(to, 'checkpoint', 'model.safetensors'), 10);
    const again = await runCommand(['fetch', '--to', to, '--json', '--state', path.join(folder, 'local')], { env: own.env });
    expect(JSON.parse(again.stdout)).toMatchObject({ brought: ['checkpoint/model.safetensors', 'checkpoint/config.json'] });
  });

  it('keeps outputs when old artifacts are removed, unless outputs are to be removed too', async () => {
    const artifacts = path.join(folder, 'local', 'artifacts');
    const longAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);
    for (const name of readdirSync(artifacts, { recursive: true, encoding: 'utf8' })) if (name.endsWith('manifest.json')) utimesSync(path.join(artifacts, name), longAgo, longAgo);
    const call = (...words: string[]) => runCommand([...words, '--state', path.join(folder, 'local')], { env: own.env });
    expect((await call('store', 'gc')).code).toBe(0);
    expect(readdirSync(path.join(artifacts, 'output'))).toHaveLength(1);
    expect(existsSync(path.join(artifacts, 'perplexity')) ? readdirSync(path.join(artifacts, 'perplexity'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json')) : []).toEqual([]);
    expect((await call('fetch', '--json')).code).toBe(0);
    await call('store', 'gc', '--outputs');
    expect((await call('fetch')).stderr).toMatch(/the store keeps no outputs of any run/);
  });
});
