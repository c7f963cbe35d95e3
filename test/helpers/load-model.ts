import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, readTensor, resolveTensors } from '../../files/checkpoints/index.js';
import { tf, type Tensor } from '../../science/engine/index.js';
import { inStoredLayout, modelFromConfig, type DecoderModel } from '../../science/models/index.js';
import type { TensorSpec } from '../../science/models/types.js';

/** Returns every tensor that a model reads, each once. */
export function allTensors(model: DecoderModel): TensorSpec[] {
  const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index).tensors);
  const specs = [...model.embeddingTensors, ...layers.flat(), ...model.headTensors];
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

/** Loads the model of a Hugging Face folder with all its weights into memory. */
export async function loadModel(folder: string): Promise<{ model: DecoderModel; weights: Map<string, Tensor> }> {
  const where = join(folder, 'config.json');
  const checkpoint = await openCheckpoint(folder);
  const model = inStoredLayout(modelFromConfig(JSON.parse(readFileSync(where, 'utf8')) as Record<string, unknown>, where), (name) => checkpoint.tensors.has(name));
  const found = resolveTensors(checkpoint, allTensors(model));
  const weights = new Map<string, Tensor>();
  for (const [name, info] of found) weights.set(name, tf.tensor(await readTensor(info), [...info.shape]));
  return { model, weights };
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Reads all F32 and I32 tensors of a small safetensors file. Independent of checkpoints/, which reads only weights. */
export function readArrays(file: string): Record<string, { shape: number[]; values: Float32Array | Int32Array }> {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, Entry>;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(
    entries.map(([name, { dtype, shape, data_offsets: [begin, end] }]) => {
      const data = new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
      return [name, { shape, values: dtype === 'I32' ? new Int32Array(data) : new Float32Array(data) }];
    }),
  );
}
