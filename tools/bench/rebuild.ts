/**
 * Seconds of initial mask and rebuild of a model folder, 16 windows of 512 tokens, for the settings that the public
 * reference was timed with.
 *
 * usage: node dist/tools/bench/rebuild.js MODEL_FOLDER [SEQUENCES_PER_BATCH] [SAMPLES] [SEQUENCE_LENGTH]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, readTensor, resolveTensors } from '../../files/checkpoints/index.js';
import { openEngine, tf } from '../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../science/engine/index.js';
import { linearsOf, modelFromConfig } from '../../science/models/index.js';
import type { DecoderModel, TensorSpec } from '../../science/models/types.js';
import { InputNorms, layerForward, magnitudeMask, parsePattern, rebuildSubBlock, wandaMask } from '../../science/methods/index.js';
import type { RebuildSettings } from '../../science/methods/index.js';

const [folder, perBatch = '4', samples = '16', time = '512'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node dist/tools/bench/rebuild.js MODEL_FOLDER [SEQUENCES_PER_BATCH] [SAMPLES] [SEQUENCE_LENGTH]');
const configFile = join(folder, 'config.json');

interface Run extends RebuildSettings {
  label: string;
  method: 'magnitude' | 'wanda';
}

const runs: Run[] = [
  { label: 'magnitude, block', method: 'magnitude', pattern: parsePattern('unstructured'), granularity: 'block', ratio: 0.1, metric: 'weight-gradient' },
  { label: 'Wanda, output', method: 'wanda', pattern: parsePattern('unstructured'), granularity: 'output', ratio: 0.01, metric: 'weight-gradient' },
  { label: 'magnitude, 2:4', method: 'magnitude', pattern: parsePattern('2:4'), granularity: 'output', ratio: 0.1, metric: 'weight-gradient' },
];

async function load(specs: readonly TensorSpec[]): Promise<Map<string, Tensor>> {
  const found = resolveTensors(await openCheckpoint(folder), specs);
  const weights = new Map<string, Tensor>();
  for (const [name, info] of found) weights.set(name, tf.tensor(await readTensor(info), [...info.shape]));
  return weights;
}

/** Arbitrary tokens, the same whatever the batches: what they say does not change the time. */
async function embed(model: DecoderModel): Promise<Tensor3D[]> {
  const weights = await load(model.embeddingTensors);
  const tokenAt = (position: number): number => (Math.imul(position + 1, 2654435761) >>> 8) % model.vocabularySize;
  const batches: Tensor3D[] = [];
  for (let first = 0; first < Number(samples); first += Number(perBatch)) {
    const shape: [number, number] = [Math.min(Number(perBatch), Number(samples) - first), Number(time)];
    const ids = Int32Array.from({ length: shape[0] * shape[1] }, (_, i) => tokenAt(first * Number(time) + i));
    batches.push(tf.tidy(() => model.embed(tf.tensor2d(ids, shape, 'int32'), weights)));
  }
  tf.dispose([...weights.values()]);
  return batches;
}

async function initialMasks(model: DecoderModel, run: Run): Promise<Map<string, Uint8Array>> {
  const target = { sparsity: 0.5, pattern: run.pattern };
  const masks = new Map<string, Uint8Array>();
  let hidden = run.method === 'wanda' ? await embed(model) : [];
  for (let index = 0; index < model.layers; index++) {
    const layer = model.decoderLayer(index);
    const weights = await load(layer.tensors);
    const norms = new InputNorms();
    if (run.method === 'wanda') tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
    for (const { name, shape } of linearsOf(layer)) {
      const values = (await weights.get(name)?.data()) as Float32Array;
      masks.set(name, run.method === 'wanda' ? wandaMask(values, norms.norms(name), shape, target, name) : magnitudeMask(values, shape, target, name));
    }
    if (run.method === 'wanda') hidden = await layerForward({ layer, hidden, weights, masks });
    tf.dispose([...weights.values()]);
  }
  tf.dispose(hidden);
  return masks;
}

async function rebuild(model: DecoderModel, run: Run, masks: Map<string, Uint8Array>): Promise<number> {
  let hidden = await embed(model);
  let grown = 0;
  for (let index = 0; index < model.layers; index++) {
    const layer = model.decoderLayer(index);
    const dense = await load(layer.tensors);
    for (const subBlock of layer.subBlocks) {
      const result = await rebuildSubBlock({ subBlock, hidden, dense, masks, settings: run });
      hidden = result.hidden;
      grown += result.report.grown;
    }
    tf.dispose([...dense.values()]);
  }
  tf.dispose(hidden);
  return grown;
}

const engine = await openEngine({ backend: 'auto' });
console.log(`${engine.backend} on ${engine.device}, ${engine.threads} threads; ${samples} windows of ${time}, ${perBatch} a batch`);
const model = modelFromConfig(JSON.parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>, configFile);
for (const run of runs) {
  const start = performance.now();
  const masks = await initialMasks(model, run);
  const between = performance.now();
  const grown = await rebuild(model, run, masks);
  const end = performance.now();
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(2);
  console.log(`${run.label.padEnd(20)} initial mask ${seconds(start, between)} s, rebuild ${seconds(between, end)} s, ${grown} swaps`);
}
