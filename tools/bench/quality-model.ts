/** A model with all of its weights in memory and the windows of its text: masks made, rebuilt and judged without files or Temporal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, readTensor, resolveTensors } from '../../files/checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText } from '../../files/datasets/index.js';
import { tf } from '../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../science/engine/index.js';
import { perplexity, tokenLosses } from '../../science/evaluation/index.js';
import { linearsOf, modelFromConfig } from '../../science/models/index.js';
import type { DecoderLayer, DecoderModel } from '../../science/models/types.js';
import {
  factorHessian, guardDefaults, guardedRebuild, HessianSum, InputNorms, layerForward, magnitudeMask, rebuildSubBlock, sparseGpt, wandaMask,
} from '../../science/methods/index.js';
import type { Masks, MaskTarget, Pattern, Updates } from '../../science/methods/index.js';

export const samples = 16;
export const perBatch = 4;
/** Tokens that are never scored, so that models of one text are judged on nearly the same part of it. */
const skipTokens = 4096;

export type Start = 'magnitude' | 'wanda' | 'sparsegpt';
export type Strategy = 'published' | 'guarded' | 'refit';

/** Masks, and weights where they are not the dense ones. */
export interface Pruned {
  masks: Masks;
  updates: Updates;
}

export interface Rebuilt extends Pruned {
  seconds: number;
  /** Mean over sub-blocks, in forwards over all windows; 4.33 for a published round. */
  forwards: number;
}

export interface QualityModelSource {
  folder: string;
  text: string;
  /** Where in the text calibration begins. */
  calibrationFrom: number;
  evaluationWindows: number;
}

export class QualityModel {
  private constructor(
    private readonly model: DecoderModel,
    private readonly layers: DecoderLayer[],
    private readonly weights: Map<string, Tensor>,
    private readonly time: number,
    private readonly calibration: Int32Array,
    private readonly evaluation: Int32Array,
  ) {}

  /** Windows are of half of the model's positions, at most 512; the first 16 calibrate, unless told otherwise, and later ones are scored. */
  static async open({ folder, text, calibrationFrom, evaluationWindows }: QualityModelSource): Promise<QualityModel> {
    const configFile = join(folder, 'config.json');
    const model = modelFromConfig(JSON.parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>, configFile);
    const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index));
    const specs = [...model.embeddingTensors, ...layers.flatMap(({ tensors }) => tensors), ...model.headTensors];
    const unique = [...new Map(specs.map((spec) => [spec.name, spec])).values()];
    const weights = new Map<string, Tensor>();
    for (const [name, info] of resolveTensors(await openCheckpoint(folder), unique)) {
      weights.set(name, tf.tensor(await readTensor(info), [...info.shape]));
    }
    const ids = await (await loadTokenizer(folder)).encode(await readText({ file: text }));
    const time = Math.min(512, Math.floor(model.maxPositions / 2));
    const calibration = cutWindows(ids.subarray(calibrationFrom), { samples, sequenceLength: time, sampling: 'sequential', seed: 0 });
    const evaluation = cutAllWindows(ids, { sequenceLength: time, skipTokens: Math.max(skipTokens, samples * time), maxWindows: evaluationWindows });
    return new QualityModel(model, layers, weights, time, calibration, evaluation);
  }

  dispose(): void {
    tf.dispose([...this.weights.values()]);
  }

  /** On the windows that are not calibrated on. */
  async perplexity(pruned?: Pruned): Promise<number> {
    const { model, layers, weights, time, evaluation } = this;
    let hidden = this.embed(evaluation);
    for (const layer of layers) hidden = await layerForward({ layer, hidden, weights, ...pruned });
    let sum = 0;
    let count = 0;
    this.batchesOf(evaluation).forEach((ids, index) => {
      const windows = tf.tensor2d(ids, [ids.length / time, time], 'int32');
      for (const loss of tokenLosses(model, weights, hidden[index], windows)) {
        sum += loss;
        count++;
      }
      tf.dispose([windows, hidden[index]]);
    });
    return perplexity(sum, count);
  }

  /** An initial mask, layer by layer: statistics of the dense layer, then the pruned layer runs on. */
  async prune(start: Start, target: MaskTarget): Promise<Pruned> {
    const { weights } = this;
    const masks = new Map<string, Uint8Array>();
    const updates = new Map<string, Float32Array>();
    let hidden = this.embed(this.calibration);
    for (const layer of this.layers) {
      const statistics = start === 'sparsegpt' ? new HessianSum() : new InputNorms();
      tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: statistics.add }));
      for (const { name, shape } of linearsOf(layer)) {
        const values = (await weights.get(name)?.data()) as Float32Array;
        if (statistics instanceof HessianSum) {
          const pruned = await sparseGpt({ weight: values, shape, hessian: await factorHessian(statistics.of(name), shape[1], 0.01, name), target, name });
          masks.set(name, pruned.mask);
          updates.set(name, pruned.weight);
        } else if (start === 'wanda') {
          masks.set(name, wandaMask(values, statistics.norms(name), shape, target, name));
        } else {
          masks.set(name, magnitudeMask(values, shape, target, name));
        }
      }
      hidden = await layerForward({ layer, hidden, weights, masks, updates });
    }
    tf.dispose(hidden);
    return { masks, updates };
  }

  async rebuild(strategy: Strategy, before: Pruned, pattern: Pattern): Promise<Rebuilt> {
    const begin = performance.now();
    const masks = new Map<string, Uint8Array>();
    const updates = new Map<string, Float32Array>();
    const weights = strategy === 'refit' ? 'refit' : 'keep-updates';
    const settings = { granularity: 'block', ratio: 0.1, metric: 'weight-gradient', pattern, weights } as const;
    const subBlocks = this.layers.flatMap((layer) => layer.subBlocks);
    let hidden = this.embed(this.calibration);
    let forwards = 0;
    for (const subBlock of subBlocks) {
      const request = { subBlock, hidden, dense: this.weights, ...before, settings };
      const take = (result: { hidden: Tensor3D[]; masks: Masks; updates?: Updates }): void => {
        hidden = result.hidden;
        for (const [name, mask] of result.masks) masks.set(name, mask);
        for (const [name, values] of result.updates ?? []) updates.set(name, values);
      };
      if (strategy !== 'published') {
        const result = await guardedRebuild({ ...request, guard: guardDefaults });
        forwards += result.report.forwards / subBlocks.length;
        take(result);
      } else {
        forwards += 4.33 / subBlocks.length;
        take(await rebuildSubBlock(request));
      }
    }
    tf.dispose(hidden);
    return { masks, updates, seconds: (performance.now() - begin) / 1000, forwards };
  }

  private batchesOf(windows: Int32Array): Int32Array[] {
    const size = perBatch * this.time;
    return Array.from({ length: Math.ceil(windows.length / size) }, (_, index) => windows.subarray(index * size, (index + 1) * size));
  }

  private embed(windows: Int32Array): Tensor3D[] {
    const { model, weights, time } = this;
    return this.batchesOf(windows).map((ids) => tf.tidy(() => model.embed(tf.tensor2d(ids, [ids.length / time, time], 'int32'), weights)));
  }
}
