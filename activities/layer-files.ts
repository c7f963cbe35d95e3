import type { ArtifactDraft, ArtifactStore } from '../files/artifacts/index.js';
import { checkBitCount, packBits } from '../files/checkpoints/index.js';
import { packedBytes } from '../files/masks/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../science/models/index.js';
import { MaskSet, type Masks, type Updates } from '../science/methods/index.js';
import type { ArtifactKey } from './types.js';

/** The result of pruning a layer's linears. */
export interface PrunedLayer {
  masks: Masks;
  /** New values of the linears whose kept weights differ from the dense model's (SparseGPT, refit). */
  updates: Updates;
}

const maskFile = 'mask.bits';
const updatesFile = (linear: string): string => `${linear}.f32`;

/** Writes a layer's masks as packed bits in one file, in the order of its linears, and the updates in one file per linear. */
export async function writePrunedLayer(draft: ArtifactDraft, layer: DecoderLayer, { masks, updates }: PrunedLayer): Promise<void> {
  await draft.write(maskFile, packedMasks(linearsOf(layer), masks));
  await writeUpdates(draft, updates);
}

/** Returns masks as packed bits, in the order of the linears. */
export function packedMasks(linears: readonly LinearSpec[], masks: Masks): Uint8Array[] {
  return linears.map(({ name }) => (masks instanceof MaskSet ? masks.bits(name) : undefined) ?? packBits(masks.get(name) ?? new Uint8Array(0)));
}

/** Writes new values of linears, one file per linear. */
export async function writeUpdates(draft: ArtifactDraft, updates: Updates): Promise<void> {
  for (const [name, { buffer, byteOffset, byteLength }] of updates) await draft.write(updatesFile(name), [new Uint8Array(buffer, byteOffset, byteLength)]);
}

/** Returns the packed bits of a layer's linears, by weight name. @throws ArtifactLostError if the artifact is gone or damaged */
export async function readLayerBits(store: ArtifactStore, key: ArtifactKey, layer: DecoderLayer): Promise<Map<string, Uint8Array>> {
  const linears = linearsOf(layer);
  const bits = new Map<string, Uint8Array>();
  for await (const piece of store.readPieces('mask', key, maskFile, linears.map(({ shape }) => packedBytes(shape)))) {
    const linear = linears[bits.size];
    if (linear !== undefined) bits.set(linear.name, piece);
  }
  return bits;
}

/** Whether the kept weights of a linear differ from the dense model's. */
export async function hasUpdates(store: ArtifactStore, key: ArtifactKey, linear: string): Promise<boolean> {
  return (await store.find('mask', key))?.files[updatesFile(linear)] !== undefined;
}

/** Returns the updated values of one linear; undefined if its kept weights are the dense model's. @throws ArtifactLostError */
export async function readUpdates(store: ArtifactStore, key: ArtifactKey, linear: string): Promise<Float32Array | undefined> {
  if (!(await hasUpdates(store, key, linear))) return undefined;
  const { buffer, byteOffset, byteLength } = await store.read('mask', key, updatesFile(linear));
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** Returns a layer's masks and updates. @throws ArtifactLostError if the artifact is gone or damaged */
export async function readPrunedLayer(store: ArtifactStore, key: ArtifactKey, layer: DecoderLayer): Promise<PrunedLayer> {
  const bits = await readLayerBits(store, key, layer);
  const updates = new Map<string, Float32Array>();
  for (const { name, shape } of linearsOf(layer)) {
    checkBitCount(bits.get(name) ?? new Uint8Array(0), shape[0] * shape[1]);
    const values = await readUpdates(store, key, name);
    if (values !== undefined) updates.set(name, values);
  }
  return { masks: MaskSet.ofBits(linearsOf(layer), bits), updates };
}
