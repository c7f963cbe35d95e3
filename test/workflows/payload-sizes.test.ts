/** Messages stay below the server's limit of 2 MB, even for the largest models and sweeps. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, describe, expect, it } from 'vitest';
import type { Incident, PipelineResult, RebuildEntry } from '../../activities/result.js';
import type { RunContext, TokensRef } from '../../activities/types.js';
import { digestOf } from '../../files/artifacts/digest.js';
import { dataConverter } from '../../app/cli/codec/data-converter.js';
import { sweepRequestFor } from '../../app/cli/sweep/request.js';
import { maximumMembers, parsePipeline, parseSweep } from '../../app/config/index.js';
import type { Carried } from '../../workflows/continuation.js';
import { newProgress } from '../../workflows/progress.js';
import { TimelineKeeper } from '../../workflows/timeline.js';
import type { EvaluationPart } from '../../workflows/run-state.js';
import type { MemberOutcome, SweepRow } from '../../workflows/sweep-protocol.js';

const serverLimit = 2 * 1024 * 1024;
const plainBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
/** The number of bytes that clients and workers send for the values. */
async function sentBytes(...values: unknown[]): Promise<number> {
  let payloads = values.map((value) => defaultPayloadConverter.toPayload(value));
  for (const codec of dataConverter().payloadCodecs ?? []) payloads = await codec.encode(payloads);
  return payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

/** Numbers with as many digits as measured ones. */
let seed = 1;
function random(): number {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
}
const key = (): string => digestOf(random());
const list = <T>(length: number, of: (index: number) => T): T[] => Array.from({ length }, (_, index) => of(index));

describe('a 70B-like run: 80 layers of 7 linears', () => {
  const layers = 80;
  const text = `version: 1
name: llama70b
model: { source: /srv/models/llama-70b }
stages:
  - calibration: { dataset: { file: /srv/text/c4.jsonl, field: text } }
  - initialMask: { method: sparsegpt, sparsity: 0.5, allocation: { method: sensitivity } }
  - rebuild: { weights: refit }
  - evaluation:
      perplexity: [${['wikitext2', 'ptb', 'c4'].map((name) => `{ dataset: { file: /srv/text/${name}.txt } }`).join(', ')}]
      zeroShot: [${['boolq', 'rte', 'hellaswag', 'winogrande', 'arc_easy', 'arc_challenge', 'openbookqa', 'piqa'].map((task) => `{ task: ${task}, file: /srv/tasks/${task}.jsonl }`).join(', ')}]
`;
  const { pipeline, digest: configDigest } = parsePipeline({ text, path: '/srv/llama70b.yaml', overrides: [] });
  const request = { pipeline, configDigest, folder: '/srv' };
  const tokens: TokensRef = { key: key(), samples: 128, sequenceLength: 2048 };
  const entry = (layer: number, block: 'attention' | 'mlp'): RebuildEntry => ({
    layer, block, errorBefore: random(), errorAfter: random(), grown: 12_345_678, pruned: 12_345_678,
    rounds: list(3, () => ({ ratio: 0.05, errorBefore: random(), error: random(), accepted: true })), refit: { errorBefore: random(), error: random(), accepted: true },
  });
  const context: RunContext = {
    model: { source: '/srv/models/llama-70b', digest: key(), family: 'llama', layers, parameters: 68_976_648_192, prunable: 68_451_041_280 },
    engine: { backend: 'tensorflow', version: 'tfjs 4.22.0, TensorFlow 2.21.0', device: 'NVIDIA H100 80GB HBM3', threads: 16 },
    sequencesPerBatch: 8,
    files: Object.fromEntries(list(20, (index) => [`/srv/tasks/a-long-name-of-a-file-${index}.jsonl`, key()])),
    pattern: 'unstructured',
    sparsity: 0.5,
  };
  const perplexity = Object.fromEntries(['dense', 'initial', 'rebuilt'].map((state) => [state, { 'wikitext2.txt': random(), 'ptb.txt': random(), 'c4.txt': random() }]));
  const scores = Object.fromEntries(list(8, (index) => [`task ${index}`, { acc: random(), acc_stderr: random(), acc_norm: random(), acc_norm_stderr: random(), documents: 10_042, bos: true, digest: key() }]));
  const zeroShot = { dense: scores, initial: scores, rebuilt: scores };
  const incidents: Incident[] = list(200, (index) => ({ at: new Date(index).toISOString(), what: `The run went to another worker: ${'because '.repeat(120)}` }));
  const initialMask = { layers: list(layers, random), linears: list(layers * 7, (index) => ({ layer: Math.floor(index / 7), linear: 'model.layers.79.self_attn.q_proj.weight', damping: random(), deadInputs: 4096 })) };
  const rebuild = { grown: 1, pruned: 1, layers: list(layers, (layer) => [entry(layer, 'attention'), entry(layer, 'mlp')]).flat() };
  const part: EvaluationPart = {
    text: 3, state: 0,
    // 32 KB per token, in parts of 4 GiB.
    zeroShot: { questions: list(8, () => ({ key: key(), documents: 10_042, parts: list(60, () => ({ samples: 1234, tokens: 131_072, bytes: 4_294_967_296 })) })), state: 2, groups: { all: 480, done: 240 }, scores: zeroShot },
  };

  const keeper = new TimelineKeeper();
  keeper.begin(undefined, new Date(0));
  for (let index = 0; index < 3000; index++) keeper.add('evaluation', { what: 'w'.repeat(60), worker: `${1_234_567 + (index % 20)}@${key()}`.slice(0, 60), asked: 1e9 + 1234 * index, seated: 1e9 + 1234 * index, times: { begun: 1e9 + 1234 * index + 567, ended: 2e9 + 1, attempt: 2 } });
  const timeline = keeper.soFar();

  it('hands over far less when it continues as new, without compression', () => {
    const carried: Carried = {
      context, restarts: 1, timeline, seating: { place: { taskQueue: `gpu-${key()}`, store: key() }, store: key() },
      progress: { ...newProgress(request), incidents },
      state: { stage: 3, tokens, masks: { initial: list(layers, key), rebuilt: list(layers, key) }, perplexity, zeroShot, initialMask, rebuild, outputs: { checkpoint: '/srv/out', mask: '/srv/mask', proof: '/srv/proof', pruned: 1 }, part },
    };
    expect(plainBytes(request) + plainBytes(carried)).toBeLessThan(serverLimit / 3);
  });

  it('has a small result and a small report input', () => {
    const digests = { mask: key(), checkpoint: Object.fromEntries(list(30, (index) => [`model-000${index}-of-00030.safetensors`, key()])) };
    const result: PipelineResult = {
      name: 'llama70b', configDigest, engine: context.engine, model: context.model, checkpoint: '/srv/out', mask: '/srv/mask', proof: '/srv/proof', report: '/srv/report.md', digests,
      pattern: 'unstructured', sparsity: { target: 0.5, actual: 0.5 }, perplexity, zeroShot, initialMask, rebuild, seconds: { calibration: 1, initialMask: 1, rebuild: 1, evaluation: 1, total: 4 }, reused: 0, incidents, timeline,
    };
    expect(plainBytes({ workflowId: 'w', ...request, context, result })).toBeLessThan(serverLimit / 3);
  });
});

describe('a sweep with the maximum number of members', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'payload-sizes-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'p.yaml'), `version: 1\nname: llama13b\nmodel: { source: /srv/models/llama-13b }\nstages:\n  - calibration: { dataset: { file: /srv/c4.jsonl } }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n  - rebuild: { strategy: published }\n  - evaluation: { perplexity: [{ dataset: { file: /srv/wikitext2.txt } }, { dataset: { file: /srv/ptb.txt } }] }\n`);
  const numbers = (count: number, from: number, step: number): string => list(count, (index) => (from + index * step).toFixed(2)).join(', ');
  const text = `version: 1
name: llama13b-sparsities
pipeline: ./p.yaml
matrix:
  initialMask.method: [magnitude, wanda]
  initialMask.sparsity: [${numbers(25, 0.3, 0.02)}]
  rebuild.granularity: [block, layer, output, input]
  rebuild.ratio: [${numbers(10, 0.01, 0.01)}]
`;
  const request = sweepRequestFor(parseSweep({ text, path: path.join(folder, 's.yaml') }));
  const sweepId = `llama13b-sparsities-${key().slice(0, 16)}`;
  const outcome = (name: string): MemberOutcome => {
    const by = (): Record<string, number> => ({ 'wikitext2.txt': 10 * random(), 'ptb.txt': 10 * random() });
    const runs = `/home/somebody/projects/pruning/.llm-barber/runs/${sweepId}.${name}`;
    return {
      status: 'done', perplexity: { dense: by(), initial: by(), rebuilt: by() }, accuracy: { dense: random(), initial: random(), rebuilt: random() },
      sparsity: random(), seconds: 10_000 * random(), checkpoint: `${runs}/checkpoint`, report: `${runs}/report.md`,
    };
  };
  const outcomes = Object.fromEntries(request.members.map(({ name }) => [name, outcome(name)]));
  const rows = request.members.map(({ name, values }): SweepRow => ({ name, workflowId: `${sweepId}.${name}`, values, ...outcomes[name] }));

  it('has 2,000 of them', () => {
    expect(request.members).toHaveLength(maximumMembers);
  });

  it('hands over more than the server accepts when it continues as new, and sends far less', async () => {
    const state = { ...request, outcomes };
    expect(plainBytes(state)).toBeGreaterThan(serverLimit);
    expect(await sentBytes(state)).toBeLessThan(serverLimit / 3);
  });

  it('sends its table, which is its result and its report input, in small form too', async () => {
    expect(await sentBytes({ sweepId, table: { name: 'llama13b-sparsities', axes: Object.keys(request.choice.matrix), rows } })).toBeLessThan(serverLimit / 3);
  });

  it('does not grow with the messages of failed members', async () => {
    const failed = (name: string): MemberOutcome => ({ status: 'failed', error: { type: 'CheckpointError', message: `${name} ${key()} `.repeat(20).slice(0, 500) } });
    expect(await sentBytes({ ...request, outcomes: Object.fromEntries(request.members.map(({ name }) => [name, failed(name)])) })).toBeLessThan(serverLimit / 2);
  });
});
