import type { ArtifactDraft, ArtifactStore } from '../artifacts/index.js';
import { packBits, unpackBits } from '../checkpoints/index.js';
import type { DecoderLayer, LinearSpec } from '../models/index.js';
import type { ArtifactKey } from './types.js';

/** Masks of a layer's linears by weight name: one byte a weight, `[out, in]` row-major, 1 = kept. */
export type LayerMask = Map<string, Uint8Array>;

/** The prunable linears of a layer, in the order in which they run. */
export function linearsOf(layer: DecoderLayer): LinearSpec[] {
  return layer.subBlocks.flatMap(({ inputs, output }) => [...inputs, output]);
}

const fileName = 'mask.bits';

/** Number of bytes that the packed bits of a linear take. */
export function packedBytes({ shape: [rows, columns] }: LinearSpec): number {
  return Math.ceil((rows * columns) / 8);
}

/** Writes a layer's masks, packed to bits, one linear after the other in the layer's order. */
export async function writeLayerMask(draft: ArtifactDraft, layer: DecoderLayer, masks: LayerMask): Promise<void> {
  await draft.write(
    fileName,
    linearsOf(layer).map(({ name }) => packBits(masks.get(name) ?? new Uint8Array(0))),
  );
}

/** The packed bits of a layer's linears, by weight name. @throws ArtifactLostError if the artifact is gone or damaged */
export async function readLayerBits(store: ArtifactStore, key: ArtifactKey, layer: DecoderLayer): Promise<Map<string, Uint8Array>> {
  const linears = linearsOf(layer);
  const bits = new Map<string, Uint8Array>();
  for await (const piece of store.readPieces('mask', key, fileName, linears.map(packedBytes))) {
    const linear = linears[bits.size];
    if (linear !== undefined) bits.set(linear.name, piece);
  }
  return bits;
}

/** A layer's masks. @throws ArtifactLostError if the artifact is gone or damaged */
export async function readLayerMask(store: ArtifactStore, key: ArtifactKey, layer: DecoderLayer): Promise<LayerMask> {
  const bits = await readLayerBits(store, key, layer);
  return new Map(linearsOf(layer).map((linear) => [linear.name, unpackBits(bits.get(linear.name) ?? new Uint8Array(0), linear.shape[0] * linear.shape[1])]));
}
