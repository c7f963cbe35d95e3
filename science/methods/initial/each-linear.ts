import type { Tensor } from '../../engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../../models/index.js';
import type { StatisticsNote } from './method.js';

/** Makes a mask for every linear of a layer, one after the other. @param make receives the dense values `[out, in]` */
export async function eachLinear(
  layer: DecoderLayer,
  weights: ReadonlyMap<string, Tensor>,
  make: (linear: LinearSpec, values: Float32Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  const masks = new Map<string, Uint8Array>();
  for (const linear of linearsOf(layer)) masks.set(linear.name, await make(linear, await valuesOf(weights, linear)));
  return masks;
}

/** Reads the dense values of a linear, `[out, in]`. */
export async function valuesOf(weights: ReadonlyMap<string, Tensor>, linear: LinearSpec): Promise<Float32Array> {
  return (await weights.get(linear.name)?.data()) as Float32Array;
}

/** Makes notes on the linears whose expert has too few tokens. */
export function notesOfFew(few: ReadonlyMap<string, number>): StatisticsNote[] {
  return [...few].map(([linear, tokens]) => ({ linear, tokens }));
}
