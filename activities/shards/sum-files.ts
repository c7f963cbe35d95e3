import type { ArtifactDraft, ArtifactStore, Json } from '../../files/artifacts/index.js';
import { addSums, type SummedValues, type WindowSums } from '../../science/methods/index.js';
import type { ArtifactKey } from '../types.js';

/** The only file of a sums artifact: all values in sequence, in the order that the manifest describes. */
const sumsFile = 'sums.bin';

interface Described {
  name: string;
  type: 'float32' | 'float64';
  count: number;
}

const typeOf = (values: SummedValues): Described['type'] => (values instanceof Float64Array ? 'float64' : 'float32');
const bytesOf = ({ type, count }: Described): number => count * (type === 'float64' ? 8 : 4);

/** Writes sums to an artifact. @returns their description for the manifest, which is needed to read them */
export async function writeSums(draft: ArtifactDraft, sums: WindowSums): Promise<{ sums: Json }> {
  await draft.write(sumsFile, [...sums.values()].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)));
  return { sums: [...sums].map(([name, values]) => ({ name, type: typeOf(values), count: values.length })) };
}

/**
 * Adds up the sums of shards in the given order. Reads one shard at a time, so memory holds only the total and one more sum.
 * @throws ArtifactLostError if the sums of a shard are missing or damaged
 */
export async function addUp(store: ArtifactStore, shards: readonly ArtifactKey[]): Promise<Map<string, SummedValues>> {
  const total = new Map<string, SummedValues>();
  for (const key of shards) {
    const described = ((await store.find('sums', key))?.summary as { sums?: Described[] } | undefined)?.sums ?? [];
    let index = 0;
    for await (const { buffer, byteOffset } of store.readPieces('sums', key, sumsFile, described.map(bytesOf))) {
      const { name, type, count } = described[index++];
      addSums(total, name, type === 'float64' ? new Float64Array(buffer as ArrayBuffer, byteOffset, count) : new Float32Array(buffer as ArrayBuffer, byteOffset, count));
    }
  }
  return total;
}

/** Removes sums that are no longer needed. */
export async function dropSums(store: ArtifactStore, shards: readonly ArtifactKey[]): Promise<void> {
  for (const key of shards) await store.drop('sums', key);
}

/** Returns the total seconds that gathering the sums took. */
export async function secondsOfSums(store: ArtifactStore, shards: readonly ArtifactKey[]): Promise<number> {
  let seconds = 0;
  for (const key of shards) seconds += (await store.find('sums', key))?.seconds ?? 0;
  return seconds;
}
