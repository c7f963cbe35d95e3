/** Publishing a run's checkpoint to a hub: by the command, and by the pipeline itself. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { demoFolder } from '../../helpers/demo-run.js';
import { HubServer } from '../../helpers/hub-server.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';

requireTemporalCli();

const folder = mkdtempSync(path.join(tmpdir(), 'publish-'));
const file = path.join(folder, 'small.yaml');
const state = path.join(folder, 'state');
const pipeline = (more = ''): string => `version: 1
name: small
model: { source: ${path.join(demoFolder, 'model')} }
${more}stages:
  - initialMask: { method: magnitude, pattern: "2:4" }
  - evaluation: { states: [initial], perplexity: [{ dataset: { file: ${path.join(demoFolder, 'heldout.txt')} }, maxWindows: 1, sequenceLength: 32 }] }
`;

const hub = new HubServer();
let own: OwnNamespace;
let env: NodeJS.ProcessEnv;
let made: { workflowId: string; checkpoint: string; mask: string; perplexity: { initial: Record<string, number> } };

beforeAll(async () => {
  own = await ownNamespace('publish');
  env = { ...own.env, HF_ENDPOINT: await hub.start(), HF_TOKEN: 'may-write', HF_HOME: path.join(folder, 'hub') };
  writeFileSync(file, pipeline());
  const { code, stdout, stderr } = await runCommand(['run', file, '--json', '--state', state], { env });
  expect(code, stderr).toBe(0);
  made = JSON.parse(stdout) as typeof made;
});
afterAll(async () => {
  await hub.stop();
  await own?.client.connection.close();
  rmSync(folder, { recursive: true });
});

const publish = (repository: string, environment = env) => runCommand(['publish', made.workflowId, repository, '--json', '--state', state], { env: environment });
const commitsOf = (repository: string): number => Object.keys(hub.repositories.get(repository)?.commits ?? {}).length;
const filesOf = (repository: string): Record<string, Buffer> => {
  const { branches, commits } = hub.repositories.get(repository) ?? { branches: {}, commits: {} };
  return commits[branches['main']] ?? {};
};

it('publishes checkpoint, mask, proof, lock and card, and does nothing the second time', async () => {
  const first = await publish('our/pruned');
  expect(first.code, first.stderr).toBe(0);
  const files = filesOf('our/pruned');
  expect(hub.repositories.get('our/pruned')?.visibility).toBe('private');
  expect(files['model.safetensors'].equals(readFileSync(path.join(made.checkpoint, 'model.safetensors')))).toBe(true);
  expect(files['pruning/mask.safetensors'].equals(readFileSync(made.mask))).toBe(true);
  expect(Object.keys(files)).toEqual(expect.arrayContaining(['config.json', 'tokenizer.json', 'pruning/proof.json', 'pruning/pipeline.lock.yaml', 'LICENSE', 'DENSE_MODEL_CARD.md']));

  const card = files['README.md'].toString();
  const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(card) ?? [];
  const dense = /^---\n([\s\S]*?)\n---\n/.exec(files['DENSE_MODEL_CARD.md'].toString());
  expect(parse(front)).toMatchObject({
    library_name: 'transformers', tags: ['pruned', 'sparse', 'llm-barber', '2:4'],
    ...(dense === null ? {} : { license: (parse(dense[1]) as { license?: string }).license }),
    'model-index': [{ name: 'small', results: [{ dataset: { name: 'heldout.txt' }, metrics: [{ type: 'perplexity', value: made.perplexity.initial['heldout.txt'] }] }] }],
  });
  expect(card).toContain('from_pretrained("our/pruned")');
  expect(card).toMatch(/method: magnitude[\s\S]*pattern: 2:4/);
  expect(card).not.toContain(folder);

  const commits = commitsOf('our/pruned');
  const { received } = hub.uploads;
  const second = await publish('our/pruned');
  expect(JSON.parse(second.stdout)).toMatchObject({ changed: [] });
  expect([commitsOf('our/pruned'), hub.uploads.received]).toEqual([commits, received]);
});

it('publishes only files of the folder of the run, whatever its result names', async () => {
  const elsewhere = path.join(folder, 'elsewhere');
  mkdirSync(elsewhere);
  const result = JSON.parse(readFileSync(path.join(made.checkpoint, '..', 'result.json'), 'utf8')) as object;
  writeFileSync(path.join(elsewhere, 'result.json'), JSON.stringify(result));
  const { code, stderr } = await runCommand(['publish', elsewhere, 'our/stolen', '--json', '--state', state], { env });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(path.join(elsewhere, 'checkpoint')) as string });
  expect(hub.repositories.has('our/stolen')).toBe(false);
});

it('continues after an interruption without sending a large file twice', async () => {
  hub.uploads.blobs.clear();
  hub.uploads.received = 0;
  const [weights, mask] = [path.join(made.checkpoint, 'model.safetensors'), made.mask].map((name) => readFileSync(name).length);
  // All attempts to upload the weights fail. The mask arrives.
  hub.uploads.refuse = (bytes) => bytes.length === weights;
  const interrupted = await publish('our/interrupted', { ...env, HF_HUB_DOWNLOAD_TIMEOUT: '5' });
  expect(interrupted.code).toBe(1);
  expect(interrupted.stderr).toMatch(/the hub cannot be reached/);
  expect(filesOf('our/interrupted')).toEqual({});
  expect(hub.uploads.received).toBe(mask);

  hub.uploads.refuse = () => false;
  const again = await publish('our/interrupted');
  expect(again.code, again.stderr).toBe(0);
  expect(hub.uploads.received).toBe(mask + weights);
  expect(commitsOf('our/interrupted')).toBe(2);
});

it('recognizes a commit whose answer was lost', async () => {
  hub.uploads.loseAnswer = true;
  const { code, stderr } = await publish('our/lost');
  expect(code, stderr).toBe(0);
  expect(commitsOf('our/lost')).toBe(2);
});

it('removes weights of an earlier commit that loaders would find, and nothing else', async () => {
  hub.add('our/older', { 'model.safetensors.index.json': '{}', 'model-00001-of-00002.safetensors': 'old', 'notes.txt': 'mine' });
  expect((await publish('our/older')).code).toBe(0);
  const files = Object.keys(filesOf('our/older'));
  expect(files).toContain('notes.txt');
  expect(files.filter((name) => /^model.*(index|-of-)/.test(name))).toEqual([]);
});

it('reports what is missing: a token, a permission, a repository', async () => {
  const without = await publish('our/other', { ...env, HF_TOKEN: '', HF_TOKEN_PATH: path.join(folder, 'none') });
  expect(without.stderr).toMatch(/our\/other@main: no token was given; expected a token that may write/);
  const wrong = await publish('our/other', { ...env, HF_TOKEN: 'may-read' });
  expect(wrong.stderr).toMatch(/access is refused \(403.*can write to/);
  expect((await publish('other')).stderr).toMatch(/"other" is not a repository; expected `organisation\/name`/);
});

it('publishes the checkpoint of a pipeline once its gates have passed, if the worker allows it', async () => {
  const run = async (more: string, environment = env) => {
    writeFileSync(file, pipeline(more));
    return await runCommand(['run', file, '--json', '--state', state], { env: environment });
  };
  const refused = await run('outputs: { publish: { repository: our/own } }\n');
  expect(refused.stderr).toMatch(/this worker does not publish to our\/own; expected no `outputs\.publish`.*--allow-publish/s);

  const allowed = { ...env, LLM_BARBER_ALLOW_PUBLISH: 'our' };
  const failed = await run('outputs: { publish: { repository: our/own } }\ngates: ["sparsity >= 0.9"]\n', allowed);
  expect(failed.code).toBe(3);
  expect(hub.repositories.has('our/own')).toBe(false);

  const passed = await run('outputs: { publish: { repository: our/own, private: false } }\ngates: ["sparsity >= 0.4"]\n', allowed);
  expect(passed.code, passed.stderr).toBe(0);
  expect(JSON.parse(passed.stdout)).toMatchObject({ published: { repository: 'our/own', commit: hub.repositories.get('our/own')?.branches['main'] } });
  expect(hub.repositories.get('our/own')?.visibility).toBe('public');
  expect(filesOf('our/own')['README.md'].toString()).toMatch(/sparsity >= 0\.4.*passed/);
});
