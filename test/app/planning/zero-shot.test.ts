import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parsePipeline } from '../../../app/config/index.js';
import type { EvaluationStage } from '../../../app/config/pipeline.js';
import { zeroShotSteps } from '../../../app/planning/zero-shot.js';
import { modelSize } from '../../../science/cost/index.js';
import { modelFromConfig } from '../../../science/models/index.js';

const folder = mkdtempSync(join(tmpdir(), 'plan-zero-shot-'));
afterAll(() => rmSync(folder, { recursive: true }));

function stepsOf(evaluation: string, hidden = 64) {
  const text = `version: 1\nname: x\nmodel: { source: ./model }\nstages: [{ evaluation: ${evaluation} }]\n`;
  const stage = parsePipeline({ text, path: join(folder, 'x.yaml') }).pipeline.stages[0] as EvaluationStage;
  const config = { model_type: 'llama', vocab_size: 32000, hidden_size: hidden, intermediate_size: 4 * hidden, num_hidden_layers: 3, num_attention_heads: 4, max_position_embeddings: 512 };
  return zeroShotSteps(stage, modelSize(modelFromConfig(config, 'config.json'), { bytesPerWeight: 2 }));
}
const units = (steps: { kind: string; count: number }[], kind: string): number => steps.filter((step) => step.kind === kind).reduce((sum, { count }) => sum + count, 0);

it('reads every task once, and runs the layers once for each state, for any number of tasks', () => {
  const { tasks, steps } = stepsOf('{ states: [dense], zeroShot: [boolq, rte, piqa] }');
  expect(tasks).toBe(3);
  expect([units(steps, 'sample'), units(steps, 'zero-shot layer forward'), units(steps, 'zero-shot likelihoods')]).toEqual([3, 3, 1]);
});

it('splits the layers into parts if there are more hidden states than may be held at once', () => {
  const { steps, hidden: [{ windows: { samples, time } }] } = stepsOf('{ states: [dense], zeroShot: [hellaswag] }', 8192);
  const layers = units(steps, 'zero-shot layer forward');
  expect(layers % 3).toBe(0);
  expect(layers).toBeGreaterThan(3);
  expect(4 * 8192 * samples * time).toBeLessThanOrEqual(1.005 * 4 * 2 ** 30);
});

it("needs less work with a limit, and estimates a user's own file from its lines", () => {
  const line = JSON.stringify({ query: 'x'.repeat(100), choices: ['a', 'b'], gold: 0 });
  writeFileSync(join(folder, 'mine.jsonl'), `${line}\n`.repeat(400));
  const flops = (evaluation: string): number => stepsOf(evaluation).steps.reduce((sum, { count, cost }) => sum + count * cost.work.flops, 0);
  const all = flops('{ states: [dense], zeroShot: [{ name: mine, file: ./mine.jsonl }] }');
  const half = flops('{ states: [dense], zeroShot: [{ name: mine, file: ./mine.jsonl }], limit: 200 }');
  expect(half / all).toBeGreaterThan(0.4);
  expect(half / all).toBeLessThan(0.6);
});
