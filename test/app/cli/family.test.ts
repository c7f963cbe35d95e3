import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FamilyCheck } from '../../../app/cli/family/check.js';
import { openTestEngine } from '../../helpers/engine.js';
import { runCommand as run } from './run-command.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'family-'));
  await openTestEngine();
});
afterAll(() => rm(root, { recursive: true }));

/** Makes a copy of a golden family that a test may change. */
async function copyOf(family: string, name: string): Promise<string> {
  const folder = join(root, name);
  await cp(resolve('test/golden/families', family), folder, { recursive: true });
  return folder;
}

/** Renames a tensor in the header of the weights. The header keeps its length. */
async function rename(folder: string, from: string, to: string): Promise<void> {
  const file = join(folder, 'model.safetensors');
  const bytes = await readFile(file);
  const at = bytes.indexOf(`"${from}"`);
  bytes.write(`"${to}"`, at);
  await writeFile(file, bytes);
}

const check = async (folder: string): Promise<{ code: number | null; found: FamilyCheck }> => {
  const { code, stdout } = await run(['family', 'check', folder, '--json']);
  return { code, found: JSON.parse(stdout) as FamilyCheck };
};

it.each(['mixtral', 'mixtral-packed', 'opt'])('%s: reads every tensor, and computes the logits of transformers', async (family) => {
  const { code, found } = await check(resolve('test/golden/families', family));
  expect([code, found.missing, found.unused]).toEqual([0, [], []]);
  expect(found.logits?.error).toBeLessThan(1e-4);
  expect(found.unread).toContain('transformers_version');
});

it('reports a missing tensor and an unused one, and computes nothing then', async () => {
  const folder = await copyOf('qwen3-moe', 'renamed');
  await rename(folder, 'model.layers.1.mlp.gate.weight', 'model.layers.1.mlp.gaze.weight');
  const { code, found } = await check(folder);
  expect([code, found.missing, found.unused, found.logits]).toEqual([1, ['model.layers.1.mlp.gate.weight'], ['model.layers.1.mlp.gaze.weight'], undefined]);
  const { stdout } = await run(['family', 'check', folder]);
  expect(stdout).toContain('missing tensors: 1\n  model.layers.1.mlp.gate.weight');
  expect(stdout).toContain('logits: not computed, because tensors are missing');
});

it('reports a model whose results differ from transformers', async () => {
  const folder = await copyOf('qwen3-moe', 'wrong');
  const config = join(folder, 'config.json');
  await writeFile(config, (await readFile(config, 'utf8')).replace('"norm_topk_prob": true', '"norm_topk_prob": false'));
  const { code, stdout } = await run(['family', 'check', folder]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/logits: \S+ standard deviations from expected.safetensors; wrong, because rounding explains at most 0.0001/);
});
