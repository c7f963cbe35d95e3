import type { ArtifactDraft, ArtifactStore, Json } from '../files/artifacts/index.js';
import { tf, type Tensor3D } from '../science/engine/index.js';
import { NonFiniteValueError } from './errors.js';

/** Artifacts of float32 tensors `[batch, time, hidden]`, one per batch of sequences; their file is named after them. */
type Kind = 'hidden' | 'gradient';

/** Writes batches one after the other. @returns the artifact's summary @throws NonFiniteValueError */
export async function writeBatches(draft: ArtifactDraft, kind: Kind, batches: readonly Tensor3D[], what: string): Promise<Json> {
  await draft.write(`${kind}.f32`, bytesOf(batches, what));
  return { batches: batches.map((batch) => batch.shape) };
}

/** The batches of an artifact; absent if it is not there. The caller owns the tensors. @throws ArtifactLostError if it is damaged */
export async function readBatches(store: ArtifactStore, kind: Kind, key: string): Promise<Tensor3D[] | undefined> {
  const manifest = await store.find(kind, key);
  if (manifest === undefined) return undefined;
  const shapes = (manifest.summary as unknown as { batches: [number, number, number][] }).batches;
  const sizes = shapes.map(([batch, time, hidden]) => 4 * batch * time * hidden);
  const batches: Tensor3D[] = [];
  try {
    for await (const { buffer, byteOffset, byteLength } of store.readPieces(kind, key, `${kind}.f32`, sizes)) {
      batches.push(tf.tensor3d(new Float32Array(buffer, byteOffset, byteLength / 4), shapes[batches.length]));
    }
    return batches;
  } catch (error) {
    tf.dispose(batches);
    throw error;
  }
}

async function* bytesOf(batches: readonly Tensor3D[], what: string): AsyncGenerator<Uint8Array> {
  for (const batch of batches) {
    // One number tells: NaN and infinity stay what they are in a sum.
    const total = tf.sum(batch);
    const [sum] = await total.data();
    total.dispose();
    if (!Number.isFinite(sum)) throw new NonFiniteValueError(what, sum);
    const values = (await batch.data()) as Float32Array;
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}
