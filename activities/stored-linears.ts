import { packBits, putRows, readTensor, resolveTensors, unpackBits } from '../files/checkpoints/index.js';
import { linearsOf, type LinearSpec } from '../science/models/index.js';
import type { OpenModel } from './workbench.js';

/** A prunable tensor of the checkpoint: one linear, or several fused ones. */
export interface StoredLinear {
  /** The name in the checkpoint. */
  name: string;
  layer: number;
  shape: readonly [number, number];
  linears: LinearSpec[];
}

/** Returns every prunable tensor of the checkpoint by its name, in the order in which the model reads them. */
export function storedLinears({ checkpoint, model }: OpenModel): Map<string, StoredLinear> {
  const stored = new Map<string, StoredLinear>();
  for (let layer = 0; layer < model.layers; layer++) {
    const linears = linearsOf(model.decoderLayer(layer));
    const found = resolveTensors(checkpoint, linears);
    for (const linear of linears) {
      const name = found.get(linear.name)?.name ?? linear.name;
      const [rows, columns] = linear.shape;
      const one = stored.get(name) ?? { name, layer, shape: [linear.part?.rows ?? rows, columns] as const, linears: [] };
      one.linears.push(linear);
      stored.set(name, one);
    }
  }
  return stored;
}

/** Returns the packed bits of a stored tensor, assembled from those of its linears. */
export async function storedBits({ linears, shape }: StoredLinear, bitsOf: (linear: string) => Promise<Uint8Array>): Promise<Uint8Array> {
  if (linears[0].part === undefined) return bitsOf(linears[0].name);
  const whole = new Uint8Array(shape[0] * shape[1]);
  for (const { name, shape: [out], part } of linears) {
    if (part !== undefined) putRows(whole, unpackBits(await bitsOf(name), out * shape[1]), shape[1], part);
  }
  return packBits(whole);
}

/** Returns the values of a stored tensor if any of its linears has updates. The other linears keep the checkpoint's values. */
export async function storedValues(
  { name, linears, shape }: StoredLinear, { checkpoint }: OpenModel, updatesOf: (linear: string) => Promise<Float32Array | undefined>,
): Promise<Float32Array | undefined> {
  if (linears[0].part === undefined) return updatesOf(linears[0].name);
  const updates = await Promise.all(linears.map((linear) => updatesOf(linear.name)));
  const info = checkpoint.tensors.get(name);
  if (info === undefined || updates.every((values) => values === undefined)) return undefined;
  const whole = (await readTensor(info)).slice();
  for (const [index, { part }] of linears.entries()) {
    const values = updates[index];
    if (part !== undefined && values !== undefined) putRows(whole, values, shape[1], part);
  }
  return whole;
}
