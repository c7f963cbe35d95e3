import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, packBits, readSafetensorsHeader, writeSafetensors, type TensorData, type TensorInfo } from '../../../files/checkpoints/index.js';

export type Dtype = 'F32' | 'F16' | 'BF16';

/** Linears of the made checkpoints. Their odd sizes make rows begin inside bytes, and leave unused bits in the last byte. */
export const linearShapes: Record<string, [number, number]> = {
  'model.layers.0.self_attn.q_proj.weight': [15, 32],
  'model.layers.0.mlp.up_proj.weight': [7, 13],
  'model.layers.1.self_attn.q_proj.weight': [15, 32],
  'model.layers.1.mlp.up_proj.weight': [7, 13],
};
export const linearNames = Object.keys(linearShapes);

/** The other tensors. */
const otherShapes: Record<string, number[]> = {
  'model.embed_tokens.weight': [11, 8],
  'model.layers.0.input_layernorm.weight': [8],
  'model.layers.1.input_layernorm.weight': [8],
};

/** A generator of small pseudo-random numbers. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function elementBytes(dtype: Dtype): number {
  return dtype === 'F32' ? 4 : 2;
}

/** Values of either sign, finite and not zero. */
function randomWords(dtype: Dtype, count: number, next: () => number): Uint8Array {
  const bytes = elementBytes(dtype);
  const data = new DataView(new ArrayBuffer(count * bytes));
  for (let i = 0; i < count; i++) {
    const single = new DataView(new ArrayBuffer(4));
    single.setFloat32(0, (next() + 0.01) * (next() < 0.5 ? -1 : 1));
    if (dtype === 'F32') data.setUint32(4 * i, single.getUint32(0), true);
    else if (dtype === 'BF16') data.setUint16(2 * i, single.getUint16(0), true);
    else data.setUint16(2 * i, (next() < 0.5 ? 0 : 0x8000) | (0x2000 + Math.floor(next() * 0x1bff)), true);
  }
  return new Uint8Array(data.buffer);
}

export interface MadeModel {
  /** Folder of the dense model. */
  dense: string;
  /** Folder of the pruned model. */
  pruned: string;
  maskFile: string;
  /** One byte per weight, 1 = kept. */
  masks: Record<string, Uint8Array>;
}

export interface MakeOptions {
  dtype: Dtype;
  sharded?: boolean;
  /** Whether the weight of this row and column is kept. */
  keep?: (name: string, row: number, column: number) => boolean;
  metadata?: Record<string, string>;
  seed?: number;
}

/** Writes `dense/`, `run/checkpoint/` and `run/mask.safetensors` below a folder. The weights are pruned one by one. */
export async function makeModel(root: string, { dtype, sharded = false, keep, metadata = {}, seed = 1 }: MakeOptions): Promise<MadeModel> {
  const next = random(seed);
  const dense = join(root, 'dense');
  const pruned = join(root, 'run', 'checkpoint');
  const masks: Record<string, Uint8Array> = {};
  const denseTensors: TensorData[] = [];
  const prunedTensors: TensorData[] = [];
  const size = elementBytes(dtype);
  for (const [name, shape] of Object.entries({ ...linearShapes, ...otherShapes })) {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = randomWords(dtype, count, next);
    denseTensors.push({ name, dtype, shape, data });
    const copy = data.slice();
    if (name in linearShapes) {
      masks[name] = Uint8Array.from({ length: count }, (_, i) => Number(keep?.(name, Math.floor(i / shape[1]), i % shape[1]) ?? next() < 0.5));
      masks[name].forEach((kept, i) => {
        if (kept === 0) copy.fill(0, i * size, (i + 1) * size);
      });
    }
    prunedTensors.push({ name, dtype, shape, data: copy });
  }
  await saveCheckpoint(dense, denseTensors, sharded);
  await saveCheckpoint(pruned, prunedTensors, sharded);
  const maskFile = join(root, 'run', 'mask.safetensors');
  await writeMask(maskFile, masks, metadata);
  return { dense, pruned, maskFile, masks };
}

export async function saveCheckpoint(folder: string, tensors: readonly TensorData[], sharded: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), '{ "model_type": "llama" }\n');
  if (!sharded) {
    await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
    return;
  }
  const weightMap: Record<string, string> = {};
  for (const shard of [0, 1]) {
    const file = `model-0000${shard + 1}-of-00002.safetensors`;
    const its = tensors.filter((_, i) => i % 2 === shard);
    for (const { name } of its) weightMap[name] = file;
    await writeSafetensors(join(folder, file), its, { format: 'pt' });
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
}

export async function writeMask(file: string, masks: Record<string, Uint8Array>, metadata: Record<string, string> = {}, shapes: Record<string, readonly number[]> = linearShapes): Promise<void> {
  const tensors = Object.entries(masks).map(([name, mask]) => ({ name, dtype: 'U8', shape: [Math.ceil(mask.length / 8)], data: packBits(mask) }));
  await writeSafetensors(file, tensors, { format: 'mask', bits: '1=kept, lowest first, row-major', shapes: JSON.stringify(shapes), ...metadata });
}

/** Overwrites one element of a tensor in its file. `path` is the folder of a checkpoint, or a safetensors file. */
export async function patchElement(path: string, tensor: string, index: number, bytes: Uint8Array): Promise<void> {
  const { tensors } = path.endsWith('.safetensors') ? await readSafetensorsHeader(path) : await openCheckpoint(path);
  const info = tensors.get(tensor) as TensorInfo;
  const handle = await open(info.file, 'r+');
  await handle.write(bytes, 0, bytes.length, info.begin + index * bytes.length);
  await handle.close();
}

/** The bytes of a value in a dtype, for the values that tests need. */
export function wordBytes(dtype: Dtype, value: 'one' | 'largest' | 'nan' | 'infinity' | 'zero' | '-zero'): Uint8Array {
  const words = {
    F32: { one: 0x3f800000, largest: 0xff7fffff, nan: 0x7fc00000, infinity: 0xff800000, zero: 0, '-zero': 0x80000000 },
    F16: { one: 0x3c00, largest: 0xfbff, nan: 0x7e00, infinity: 0xfc00, zero: 0, '-zero': 0x8000 },
    BF16: { one: 0x3f80, largest: 0xff7f, nan: 0x7fc0, infinity: 0xff80, zero: 0, '-zero': 0x8000 },
  };
  const word = words[dtype][value];
  return dtype === 'F32' ? new Uint8Array(Uint32Array.of(word).buffer) : new Uint8Array(Uint16Array.of(word).buffer);
}
