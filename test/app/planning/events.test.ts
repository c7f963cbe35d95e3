/** The predicted length of a run's histories, counted as the workflow counts it and compared with recorded runs. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { parsePipeline } from '../../../app/config/index.js';
import type { Pipeline } from '../../../app/config/pipeline.js';
import { eventsOf } from '../../../app/planning/events.js';
import { assumedMachine, makePlan } from '../../../app/planning/index.js';
import { cpuEngine, llama7b } from './llama7b.js';

interface Recorded {
  events: { workflowExecutionStartedEventAttributes?: { input: { payloads: { data: string }[] } } }[];
}

it.each([
  // Name of the recording, layers of its model, and how often the questions go through the layers.
  ['demo', 4, 0],
  ['allocation', 4, 0],
  ['zero-shot', 4, 1],
])('match the recorded run %s', (name, layers, groups) => {
  const { events } = JSON.parse(gunzipSync(readFileSync(`test/workflows/histories/${name}.json.gz`)).toString()) as Recorded;
  const [payload] = events[0].workflowExecutionStartedEventAttributes?.input.payloads ?? [];
  const { pipeline } = JSON.parse(Buffer.from(payload.data, 'base64').toString()) as { pipeline: Pipeline };
  expect(eventsOf(pipeline, { layers, blocks: 2 }, () => groups)).toEqual({ total: events.length, executions: 1, largest: events.length });
});

it('stay below 10,000 per execution for 80 layers with all stages and seven tasks', () => {
  const text = `
version: 1
name: large
model: { source: /models/70b }
stages:
  - calibration: { dataset: { name: c4 } }
  - initialMask: { method: wanda, sparsity: 0.5, allocation: { method: sensitivity } }
  - rebuild: { strategy: guarded }
  - evaluation:
      states: [dense, initial, rebuilt]
      perplexity: [{ dataset: { name: wikitext2 } }, { dataset: { name: c4 } }, { dataset: { name: ptb } }]
      zeroShot: [boolq, rte, hellaswag, winogrande, arc_easy, arc_challenge, openbookqa]
`;
  const { pipeline } = parsePipeline({ text, path: '/p.yaml' });
  const groups = 20;
  const { total, executions, largest } = eventsOf(pipeline, { layers: 80, blocks: 2 }, () => groups);
  // A seat, the check, the report, two for the outputs, the calibration; scores, masks, proof; rebuilt masks, proof.
  const making = 6 + (1 + 160) + 81 + 81;
  const scoring = 3 * (1 + 3 * 82) + 7 + 3 * (2 + groups * 81);
  expect(total).toBe(6 * (making + scoring) + 5 * executions);
  expect(executions).toBe(Math.ceil(total / 4096));
  expect(largest).toBeGreaterThan(4096 + 6 * 160);
  expect(largest).toBeLessThan(10_000);
});

/** A pipeline in shards. @param initialMask settings of its initial mask @param last the stage after it */
function divided(shards: number, last: string, initialMask = '{ method: wanda, sparsity: 0.5 }'): Pipeline {
  const text = `
version: 1
name: divided
model: { source: /models/7b }
stages:
  - calibration: { dataset: { name: c4 }, samples: 256, shards: ${shards} }
  - initialMask: ${initialMask}
  - ${last}
`;
  return parsePipeline({ text, path: '/p.yaml' }).pipeline;
}

it('of a run in shards: for each shard and for the sums, and one more worker asked for once a layer', () => {
  const pipeline = divided(4, 'rebuild: { strategy: published }');
  const { total, executions, largest } = eventsOf(pipeline, { layers: 32, blocks: 2 }, () => 0);
  // A seat, the check, the report, two for the outputs, the calibration; for each stage the first requests for workers, and the proof.
  const activities = 6 + (4 + 32 * (4 + 1 + 1) + 1) + (4 + 32 * (2 * (4 + 1) + 4 + 1 + 1) + 1);
  expect(total).toBe(6 * activities + 5 * executions);
  expect(largest).toBeLessThan(10_000);
});

it('stay below 10,000 per execution for a guarded rebuild of 64 experts in 256 shards', () => {
  const { total, largest } = eventsOf(divided(256, 'rebuild: {}'), { layers: 16, blocks: 65 }, () => 0, () => 13);
  expect(total).toBeGreaterThan(16 * 65 * 13 * 256 * 6);
  expect(largest).toBeLessThan(10_000);
});

it('leave room for an evaluation on any number of workers', () => {
  const last = 'evaluation: { states: [dense, initial], perplexity: [{ dataset: { name: wikitext2 } }], zeroShot: [boolq, rte] }';
  const { largest } = eventsOf(divided(256, last, '{ method: wanda, sparsity: 0.5, allocation: { method: ramp } }'), { layers: 126, blocks: 2 }, () => 200);
  expect(largest).toBeLessThan(51_200);
});

it('of an evaluation by several workers: as many units of work between two places to continue as there are shards', () => {
  const last = 'evaluation: { states: [dense, initial], perplexity: [{ dataset: { name: wikitext2 } }], zeroShot: [boolq, rte] }';
  const pipeline = divided(8, last, '{ method: wanda, sparsity: 0.5, allocation: { method: ramp } }');
  const { total, executions, largest } = eventsOf(pipeline, { layers: 80, blocks: 2 }, () => 20);
  // The stage asks for 7 workers at first, and for one more before each state and each group of questions.
  const making = 6 + 1 + (8 + 80 * (8 + 1 + 1) + 1);
  const scoring = (1 + 2 * 82) + (2 + 2 * (2 + 20 * 81)) + (8 + 2 + 2 * 20);
  expect(total).toBe(6 * (making + scoring) + 5 * executions);
  expect(largest).toBeGreaterThan(4096 + 6 * 8 * 81);
  expect(largest).toBeLessThan(10_000);
});

it('of a guarded rebuild in shards: for each step of each sub-block', () => {
  const steps = (weights: string): number => {
    const pipeline = divided(4, `rebuild: { weights: ${weights} }`);
    const { events: { total, executions } } = makePlan({ pipeline, size: llama7b().size, perBatch: 1, machine: assumedMachine(cpuEngine), measurements: [] });
    const others = 6 + (4 + 32 * (4 + 1 + 1) + 1) + (4 + 32 * (4 + 1 + 1) + 1);
    return ((total - 5 * executions) / 6 - others) / (32 * 2 * (4 + 1));
  };
  // 12.33 forwards allow five rounds of 1.165 for gradients and two quarters for errors, after 3 for all windows. A refit costs 1.89 of them.
  expect(steps('keep-updates')).toBe(2 * 5 + 1);
  expect(steps('refit')).toBe(2 * 4 + 2 + 1);
});
