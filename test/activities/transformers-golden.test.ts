/**
 * Hugging Face transformers loads what this program writes, and computes the same perplexity. Its numbers are in
 * `test/golden/transformers/`; `tools/transformers/check.mjs` computes them again.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { scorePerplexity } from '../../activities/evaluation.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleEvaluation } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { loadPipeline } from '../../app/config/index.js';
import type { EvaluationStage, Pipeline } from '../../app/config/pipeline.js';
import { rebuildStageOf, type BegunRun } from '../helpers/demo-run.js';
import { beginHere, temporaryBench } from '../helpers/in-process.js';

const folder = resolve('test/golden/transformers');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, { perplexity: number; sha256: string }>;
const tolerance = 0.001;
const digestOf = (checkpoint: string): string => createHash('sha256').update(readFileSync(join(checkpoint, 'model.safetensors'))).digest('hex');

let state: string;
let remove: () => Promise<void>;
let bench: Workbench;
beforeAll(async () => {
  ({ bench, state, remove } = await temporaryBench());
});
afterAll(() => remove());

const load = (name: string, overrides: string[] = []): Pipeline => loadPipeline(join(folder, `${name}.yaml`), overrides).pipeline;
const beginOf = (pipeline: Pipeline): Promise<BegunRun> => beginHere(pipeline, bench);

/** Computes the perplexity of a checkpoint with this program, as a dense model. */
async function perplexityOf(checkpoint: string): Promise<number> {
  const pipeline = load('half', [`model.source=${checkpoint}`]);
  const context = await prepareRun({ pipeline }, bench);
  const [task] = (pipeline.stages.find(({ type }) => type === 'evaluation') as EvaluationStage).perplexity;
  const { tokens } = await sampleEvaluation({ context, task }, bench);
  const masks = Array.from({ length: context.model.layers }, () => null);
  for (const layer of masks.keys()) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: null }, bench);
  return (await scorePerplexity({ context, path: { tokens, masks } }, bench)).perplexity;
}

const distance = (found: number, name: string): number => Math.abs(found / expected[name].perplexity - 1);

describe.each(['half', 'two-of-four'])('%s', (name) => {
  it('is written with the bytes that transformers loaded, and has the perplexity of transformers', async () => {
    const { context, initial } = await beginOf(load(name));
    const { checkpoint } = await writeOutputs({ context, workflowId: name, masks: initial }, bench);
    expect(digestOf(checkpoint)).toBe(expected[name].sha256);
    expect(distance(await perplexityOf(checkpoint), name)).toBeLessThan(tolerance);
  });
});

describe('refitted', () => {
  it('has the perplexity of transformers', async () => {
    const copy = join(state, 'refitted');
    await cp(join(folder, 'refitted'), copy, { recursive: true });
    expect(digestOf(copy)).toBe(expected['refitted'].sha256);
    expect(distance(await perplexityOf(copy), 'refitted')).toBeLessThan(tolerance);
  });

  it('is written in the same layout, with a perplexity as low', async () => {
    const pipeline = load('refitted');
    const { context, tokens, initial } = await beginOf(pipeline);
    const masks: string[] = [];
    for (const [layer, start] of initial.entries()) masks.push((await rebuildLayer({ context, stage: rebuildStageOf(pipeline), layer, path: { tokens, masks: [...masks] }, start }, bench)).mask);
    const { checkpoint } = await writeOutputs({ context, workflowId: 'refitted', masks }, bench);
    const [written, golden] = [checkpoint, join(folder, 'refitted')].map((place) => headerOf(join(place, 'model.safetensors')));
    expect(written).toEqual(golden);
    // Another processor rounds differently, and may keep a few other weights.
    expect(distance(await perplexityOf(checkpoint), 'refitted')).toBeLessThan(0.02);
  });
});

/** Names, dtypes, shapes and offsets, as a loader reads them. */
function headerOf(file: string): unknown {
  const bytes = readFileSync(file);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString('utf8'));
}
