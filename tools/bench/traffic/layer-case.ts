import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsHeader, writeSafetensors, type TensorInfo } from '../../../files/checkpoints/index.js';
import { tf, type Tensor3D } from '../../../science/engine/index.js';
import { linearsOf, modelFromConfig, type DecoderModel } from '../../../science/models/index.js';
import { randomTensors, randomWords } from './random-weights.js';

/** Shapes of real decoder layers. */
export const shapes = {
  '135m': { hidden_size: 576, intermediate_size: 1536, num_attention_heads: 9, num_key_value_heads: 3 },
  '7b': { hidden_size: 4096, intermediate_size: 11008, num_attention_heads: 32, num_key_value_heads: 32 },
  '13b': { hidden_size: 5120, intermediate_size: 13824, num_attention_heads: 40, num_key_value_heads: 40 },
} as const;

export type Shape = keyof typeof shapes;

export interface LayerCase {
  model: DecoderModel;
  /** The tensors of the only layer, in a file. */
  tensors: ReadonlyMap<string, TensorInfo>;
  /** Packed masks that keep 4 of every 8 weights. */
  bits: ReadonlyMap<string, Uint8Array>;
  /** Weights of the linears. */
  weights: number;
}

/** Makes a layer with random bfloat16 weights of about 1 / sqrt(hidden size), and masks that prune half of every row. */
export async function layerCase(shape: Shape, folder: string): Promise<LayerCase> {
  const config = { model_type: 'llama', num_hidden_layers: 1, vocab_size: 32000, rms_norm_eps: 1e-5, hidden_act: 'silu', max_position_embeddings: 4096, ...shapes[shape] };
  const model = modelFromConfig(config, 'config.json');
  const layer = model.decoderLayer(0);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'layer.safetensors');
  const random = randomWords();
  await writeSafetensors(file, randomTensors(layer.tensors, config.hidden_size, random));
  const linears = linearsOf(layer);
  const bits = new Map(linears.map(({ name, shape: [outputs, inputs] }) => [name, halves(outputs * inputs, random)]));
  const weights = linears.reduce((sum, { shape: [outputs, inputs] }) => sum + outputs * inputs, 0);
  return { model, tensors: (await readSafetensorsHeader(file)).tensors, bits, weights };
}

const windows = { samples: 4, time: 256, perBatch: 1 };

/** Makes random hidden states on the device. The caller disposes them. They are made on the host and uploaded with the first operation. */
export function hiddenStates({ hiddenSize }: DecoderModel): Tensor3D[] {
  return Array.from({ length: windows.samples / windows.perBatch }, (_, index) =>
    tf.tidy(() => tf.randomNormal<Tensor3D['rankType']>([windows.perBatch, windows.time, hiddenSize], 0, 1, 'float32', index + 1).mul<Tensor3D>(1)));
}

const balanced = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte.toString(2).replaceAll('0', '').length === 4);

function halves(size: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length: size / 8 }, () => balanced[(random() >>> 8) % balanced.length]);
}
