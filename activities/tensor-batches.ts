import type { ArtifactStore, Json } from '../files/artifacts/index.js';
import { tf, type Tensor3D } from '../science/engine/index.js';
import { NonFiniteValueError } from './errors.js';

/** Artifacts of float32 tensors `[batch, time, hidden]`, one per batch of sequences. Their file is named after the kind. */
type Kind = 'hidden' | 'gradient';

/** Name of the file of a kind's batches in its artifact. */
export const batchesFile = (kind: Kind): string => `${kind}.f32`;

/** Returns the shapes of batches for the manifest, which are needed to read them again. */
export function describeBatches(batches: readonly Tensor3D[]): { batches: Json } {
  return { batches: batches.map((batch) => batch.shape) };
}

/** Waits until the batches are computed, and checks that they are finite. @throws NonFiniteValueError */
export async function checkFinite(batches: readonly Tensor3D[], what: string): Promise<void> {
  // One number is enough: a sum with a NaN or an infinity is not finite.
  const total = tf.tidy(() => tf.addN(batches.map((batch) => tf.sum(batch))));
  const [sum] = await total.data();
  total.dispose();
  if (!Number.isFinite(sum)) throw new NonFiniteValueError(what, sum);
}

/** Yields the batches' bytes, one batch after the other, each in its own memory. The batches must be computed already. */
export async function* bytesOf(batches: readonly Tensor3D[]): AsyncGenerator<Uint8Array> {
  for (const batch of batches) {
    const { buffer, byteOffset, byteLength } = (await batch.data()) as Float32Array;
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

/** Returns the batches of an artifact; undefined if it does not exist. The caller owns the tensors. @throws ArtifactLostError if it is damaged */
export async function readBatches(store: ArtifactStore, kind: Kind, key: string): Promise<Tensor3D[] | undefined> {
  const manifest = await store.find(kind, key);
  if (manifest === undefined) return undefined;
  const shapes = (manifest.summary as unknown as { batches: [number, number, number][] }).batches;
  const sizes = shapes.map(([batch, time, hidden]) => 4 * batch * time * hidden);
  const batches: Tensor3D[] = [];
  try {
    for await (const { buffer, byteOffset, byteLength } of store.readPieces(kind, key, batchesFile(kind), sizes)) {
      batches.push(tf.tensor3d(new Float32Array(buffer, byteOffset, byteLength / 4), shapes[batches.length]));
    }
    return batches;
  } catch (error) {
    tf.dispose(batches);
    throw error;
  }
}
