import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensorsHeader, readTensorBytes, unpackBits } from '../../../files/checkpoints/index.js';
import type { Granularity } from '../../../science/methods/parts/pattern.js';
import type { Metric } from '../../../science/methods/rebuild/method.js';
import { tf } from '../../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../../science/engine/index.js';
import { linearsOf, type DecoderModel, type LinearSpec } from '../../../science/models/index.js';
import { parsePattern, patternSparsity, rebuildSubBlock } from '../../../science/methods/index.js';
import type { Pattern, RebuildSettings, Updates } from '../../../science/methods/index.js';
import type { GoldenModel } from '../../helpers/golden.js';
import { readArrays } from '../../helpers/load-model.js';

/** A run of the public reference: its settings, read from its name, and its recorded losses. */
export interface GoldenRun {
  name: string;
  method: 'magnitude' | 'wanda';
  sparsity: number;
  pattern: Pattern;
  granularity: Granularity;
  ratio: number;
  metric: Metric;
  /** Error before and after each sub-block, in order. */
  losses: [string, number, number][];
}

/** What the reference recorded for one run; see {@link GoldenRun} for the losses. */
interface RecordedRun {
  init_ppl: number;
  rebuild_ppl: number;
  grown: number;
  losses?: [string, number, number][];
}

interface Recorded {
  dense_ppl: number;
  runs: Record<string, RecordedRun>;
}

/** Reads what the reference recorded for a model. */
export function recorded({ data }: GoldenModel): Recorded {
  return JSON.parse(readFileSync(join(data, 'reference.json'), 'utf8')) as Recorded;
}

/** Returns the magnitude and Wanda runs of a model. */
export function goldenRuns(model: GoldenModel): GoldenRun[] {
  return Object.entries(recorded(model).runs).flatMap(([name, { losses }]) => {
    const match = /^(magnitude|wanda)-(?:(\d)of(\d)|(\d\d)-(block|layer|output|input)1?)(-r10)?(?:-([WD]))?$/.exec(name);
    if (match === null || losses === undefined) return [];
    const [, method, keep, of, percent, granularity, r10, metric] = match;
    const pattern = parsePattern(keep === undefined ? 'unstructured' : `${keep}:${of}`);
    const byRow = method === 'wanda' && (keep !== undefined || granularity === 'output' || granularity === 'input');
    return [{
      name,
      method: method as GoldenRun['method'],
      pattern,
      sparsity: patternSparsity(pattern) ?? Number(percent) / 100,
      granularity: (granularity ?? 'output') as Granularity,
      ratio: name === 'wanda-60-block' ? 0.05 : byRow && r10 === undefined ? 0.01 : 0.1,
      metric: metric === 'W' ? 'weight' : metric === 'D' ? 'gradient' : 'weight-gradient',
      losses,
    }];
  });
}

export async function goldenMasks({ data }: GoldenModel, run: string, state: 'initial' | 'rebuilt'): Promise<Map<string, Uint8Array>> {
  const { tensors } = await readSafetensorsHeader(join(data, `${run}.${state}.safetensors`));
  const masks = new Map<string, Uint8Array>();
  for (const [name, info] of tensors) masks.set(name, unpackBits(await readTensorBytes(info), (info.end - info.begin) * 8));
  return masks;
}

/** Embeds the reference's calibration windows, in batches of `size` sequences. */
export function embedCalibration({ data }: GoldenModel, decoder: DecoderModel, weights: ReadonlyMap<string, Tensor>, size: number): Tensor3D[] {
  const { shape, values } = readArrays(join(data, 'tokens.safetensors')).calibration;
  const [samples, time] = shape;
  const batches: Tensor3D[] = [];
  for (let first = 0; first < samples; first += size) {
    const count = Math.min(size, samples - first);
    const ids = values.subarray(first * time, (first + count) * time) as Int32Array;
    batches.push(tf.tidy(() => decoder.embed(tf.tensor2d(ids, [count, time], 'int32'), weights)));
  }
  return batches;
}

/** Counts the weights of a linear in which two masks differ. The golden masks may be padded to whole bytes. */
export function differences(linear: LinearSpec, a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < linear.shape[0] * linear.shape[1]; i++) count += a[i] ^ b[i];
  return count;
}

/** A published rebuild of the whole model, compared with the reference: differing mask bits, and the errors by sub-block in order. */
export interface GoldenRebuild {
  /** Share of the weights whose mask bit differs from the reference's. */
  different: number;
  /** Before and after each sub-block. */
  errors: [number, number][];
}

/** @param start masks at the start, one byte per weight; `updates` has the weights that differ from the dense ones */
export async function goldenRebuild(
  golden: GoldenModel, model: DecoderModel, dense: Map<string, Tensor>, run: string,
  start: { masks: ReadonlyMap<string, Uint8Array>; updates?: Updates }, settings: RebuildSettings,
): Promise<GoldenRebuild> {
  const expected = await goldenMasks(golden, run, 'rebuilt');
  let hidden = embedCalibration(golden, model, dense, 5);
  let different = 0;
  let size = 0;
  const errors: [number, number][] = [];
  for (let index = 0; index < model.layers; index++) {
    for (const subBlock of model.decoderLayer(index).subBlocks) {
      const rebuilt = await rebuildSubBlock({ subBlock, hidden, dense, ...start, settings });
      hidden = rebuilt.hidden;
      errors.push([rebuilt.report.errorBefore, rebuilt.report.errorAfter]);
      for (const linear of linearsOf(subBlock)) {
        different += differences(linear, rebuilt.masks.get(linear.name)!, expected.get(linear.name)!);
        size += linear.shape[0] * linear.shape[1];
      }
    }
  }
  tf.dispose(hidden);
  return { different: different / size, errors };
}

/** Returns the initial masks of a run of the reference. */
export async function goldenStart(golden: GoldenModel, dense: ReadonlyMap<string, Tensor>, run: string): Promise<Map<string, Uint8Array>> {
  const packed = await goldenMasks(golden, run, 'initial');
  return new Map([...packed].map(([linear, mask]) => [linear, mask.subarray(0, dense.get(linear)!.size)]));
}
