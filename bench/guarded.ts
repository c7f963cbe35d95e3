/**
 * What guarded rebuild gains over one published round: perplexity on held-out text, share of the log-perplexity gap to the
 * dense model that is closed, and seconds, for each model folder and three initial masks. Calibration is the first 16
 * windows of the text, of half of the model's positions (at most 512); the next 64 windows are scored.
 *
 * usage: node dist/bench/guarded.js TEXT_FILE MODEL_FOLDER...
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, readTensor, resolveTensors } from '../checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText } from '../datasets/index.js';
import { openEngine, tf } from '../engine/index.js';
import type { Tensor, Tensor3D } from '../engine/index.js';
import { perplexity, tokenLosses } from '../evaluation/index.js';
import { modelFromConfig } from '../models/index.js';
import type { DecoderLayer, DecoderModel } from '../models/types.js';
import {
  guardDefaults, guardedRebuild, InputNorms, layerForward, magnitudeMask, parsePattern, rebuildSubBlock, wandaMask,
} from '../pruning/index.js';
import type { Masks, Pattern } from '../pruning/index.js';

const [text, ...folders] = process.argv.slice(2);
if (text === undefined || folders.length === 0) throw new Error('usage: node dist/bench/guarded.js TEXT_FILE MODEL_FOLDER...');

const samples = 16;
const perBatch = 4;
/** Tokens that are never scored, so that models of one text are judged on nearly the same part of it. */
const skipTokens = 4096;
const starts = [
  { method: 'magnitude', pattern: 'unstructured' },
  { method: 'wanda', pattern: 'unstructured' },
  { method: 'wanda', pattern: '2:4' },
] as const;

interface Bench {
  model: DecoderModel;
  layers: DecoderLayer[];
  weights: Map<string, Tensor>;
  time: number;
  calibration: Int32Array;
  evaluation: Int32Array;
}

async function open(folder: string, content: string): Promise<Bench> {
  const configFile = join(folder, 'config.json');
  const model = modelFromConfig(JSON.parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>, configFile);
  const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index));
  const specs = [...model.embeddingTensors, ...layers.flatMap(({ tensors }) => tensors), ...model.headTensors];
  const unique = [...new Map(specs.map((spec) => [spec.name, spec])).values()];
  const weights = new Map<string, Tensor>();
  for (const [name, info] of resolveTensors(await openCheckpoint(folder), unique)) {
    weights.set(name, tf.tensor(await readTensor(info), [...info.shape]));
  }
  const ids = Int32Array.from((await loadTokenizer(folder)).encode(content));
  const time = Math.min(512, Math.floor(model.maxPositions / 2));
  return {
    model, layers, weights, time,
    calibration: cutWindows(ids, { samples, sequenceLength: time, sampling: 'sequential', seed: 0 }),
    evaluation: cutAllWindows(ids, { sequenceLength: time, skipTokens: Math.max(skipTokens, samples * time), maxWindows: 64 }),
  };
}

function batchesOf({ time }: Bench, windows: Int32Array): Int32Array[] {
  const size = perBatch * time;
  return Array.from({ length: Math.ceil(windows.length / size) }, (_, index) => windows.subarray(index * size, (index + 1) * size));
}

function embed(bench: Bench, windows: Int32Array): Tensor3D[] {
  const { model, weights, time } = bench;
  return batchesOf(bench, windows).map((ids) => tf.tidy(() => model.embed(tf.tensor2d(ids, [ids.length / time, time], 'int32'), weights)));
}

async function perplexityUnder(bench: Bench, masks?: Masks): Promise<number> {
  const { model, layers, weights, time, evaluation } = bench;
  let hidden = embed(bench, evaluation);
  for (const layer of layers) hidden = await layerForward({ layer, hidden, weights, ...(masks && { masks }) });
  let sum = 0;
  let count = 0;
  batchesOf(bench, evaluation).forEach((ids, index) => {
    const windows = tf.tensor2d(ids, [ids.length / time, time], 'int32');
    for (const loss of tokenLosses(model, weights, hidden[index], windows)) {
      sum += loss;
      count++;
    }
    tf.dispose([windows, hidden[index]]);
  });
  return perplexity(sum, count);
}

async function initialMasks(bench: Bench, method: 'magnitude' | 'wanda', pattern: Pattern): Promise<Masks> {
  const { layers, weights } = bench;
  const masks = new Map<string, Uint8Array>();
  let hidden = embed(bench, bench.calibration);
  for (const layer of layers) {
    const norms = new InputNorms();
    tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
    for (const { name, shape } of layer.subBlocks.flatMap(({ inputs, output }) => [...inputs, output])) {
      const values = (await weights.get(name)?.data()) as Float32Array;
      const target = { sparsity: 0.5, pattern };
      masks.set(name, method === 'wanda' ? wandaMask(values, norms.norms(name), shape, target, name) : magnitudeMask(values, shape, target, name));
    }
    hidden = await layerForward({ layer, hidden, weights, masks });
  }
  tf.dispose(hidden);
  return masks;
}

interface Rebuilt {
  masks: Masks;
  seconds: number;
  /** Mean over sub-blocks; 4.33 for a published round. */
  forwards: number;
}

async function rebuild(bench: Bench, strategy: 'published' | 'guarded', before: Masks, pattern: Pattern): Promise<Rebuilt> {
  const begin = performance.now();
  const masks = new Map<string, Uint8Array>();
  let hidden = embed(bench, bench.calibration);
  let forwards = 0;
  const subBlocks = bench.layers.flatMap((layer) => layer.subBlocks);
  for (const subBlock of subBlocks) {
    const settings = { granularity: 'block', ratio: 0.1, metric: 'weight-gradient', pattern } as const;
    const request = { subBlock, hidden, dense: bench.weights, masks: before, settings };
    if (strategy === 'guarded') {
      const result = await guardedRebuild({ ...request, guard: guardDefaults });
      forwards += result.report.forwards / subBlocks.length;
      take(result);
    } else {
      forwards += 4.33 / subBlocks.length;
      take(await rebuildSubBlock(request));
    }
  }
  tf.dispose(hidden);
  return { masks, seconds: (performance.now() - begin) / 1000, forwards };

  function take(result: { hidden: Tensor3D[]; masks: Masks }): void {
    hidden = result.hidden;
    for (const [name, mask] of result.masks) masks.set(name, mask);
  }
}

const engine = await openEngine({ backend: 'auto' });
console.log(`${engine.backend} on ${engine.device}, ${engine.threads} threads; ${samples} windows, ${perBatch} a batch\n`);
console.log('| model (dense) | start | | published | closed | s | guarded | closed | s | forwards | share ratio |');
console.log('|---|---|---|---|---|---|---|---|---|---|---|');
const content = await readText({ file: text });
for (const folder of folders) {
  const bench = await open(folder, content);
  const dense = await perplexityUnder(bench);
  for (const { method, pattern: patternName } of starts) {
    const pattern = parsePattern(patternName);
    const before = await initialMasks(bench, method, pattern);
    const initial = await perplexityUnder(bench, before);
    const cells: string[] = [];
    const shares: number[] = [];
    let forwards = 0;
    for (const strategy of ['published', 'guarded'] as const) {
      const rebuilt = await rebuild(bench, strategy, before, pattern);
      const after = await perplexityUnder(bench, rebuilt.masks);
      const share = 1 - Math.log(after / dense) / Math.log(initial / dense);
      cells.push(after.toFixed(2), `${(100 * share).toFixed(1)} %`, rebuilt.seconds.toFixed(2));
      shares.push(share);
      forwards = rebuilt.forwards;
    }
    const label = `${folder.split('/').at(-1)} (${dense.toFixed(2)}) | ${method} ${patternName} | ${initial.toFixed(2)}`;
    console.log(`| ${label} | ${cells.join(' | ')} | ${forwards.toFixed(1)} | ${(shares[1] / shares[0]).toFixed(2)} |`);
  }
  tf.dispose([...bench.weights.values()]);
}
