import type { ArtifactDraft, ArtifactStore, Json } from '../../files/artifacts/index.js';
import { TotalSums, type SummedValues, type WindowSums } from '../../science/methods/index.js';
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

/** Bytes of a sum that are written or read at once, at most. On Node.js 20, an array of bytes can have at most 4 GiB. */
const maxBytesAtOnce = 2 ** 30;

/** A part of a sum in a file. */
interface Piece {
  sum: Described;
  /** Index of its first value. */
  first: number;
  bytes: number;
}

/** @param atOnce a multiple of 8 */
function piecesOf(sum: Described, atOnce: number): Piece[] {
  const bytes = bytesOf(sum);
  const width = bytes / sum.count;
  return Array.from({ length: Math.ceil(bytes / atOnce) }, (_, piece) => ({ sum, first: (piece * atOnce) / width, bytes: Math.min(atOnce, bytes - piece * atOnce) }));
}

/** Writes sums to an artifact. @returns their description for the manifest, which is needed to read them */
export async function writeSums(draft: ArtifactDraft, sums: WindowSums, atOnce = maxBytesAtOnce): Promise<{ sums: Json }> {
  const described = [...sums].map(([name, values]): Described => ({ name, type: typeOf(values), count: values.length }));
  await draft.write(sumsFile, described.flatMap((sum) => piecesOf(sum, atOnce)).map(({ sum: { name }, first, bytes }) => {
    const { buffer, byteOffset, BYTES_PER_ELEMENT } = sums.get(name) as SummedValues;
    return new Uint8Array(buffer, byteOffset + first * BYTES_PER_ELEMENT, bytes);
  }));
  return { sums: described as unknown as Json };
}

/**
 * Adds up the sums of shards in the given order. Reads them in pieces, so memory holds little more than the total.
 * @throws ArtifactLostError if the sums of a shard are missing or damaged
 */
export async function addUp(store: ArtifactStore, shards: readonly ArtifactKey[], atOnce = maxBytesAtOnce): Promise<WindowSums> {
  const sums = new TotalSums();
  for (const key of shards) {
    const described = ((await store.find('sums', key))?.summary as { sums?: Described[] } | undefined)?.sums ?? [];
    const pieces = described.flatMap((sum) => piecesOf(sum, atOnce));
    let index = 0;
    for await (const { buffer, byteOffset } of store.readPieces('sums', key, sumsFile, pieces.map(({ bytes }) => bytes))) {
      const { sum: { name, type, count }, first, bytes } = pieces[index++];
      const values = type === 'float64' ? new Float64Array(buffer as ArrayBuffer, byteOffset, bytes / 8) : new Float32Array(buffer as ArrayBuffer, byteOffset, bytes / 4);
      sums.add(name, values, first, count);
    }
  }
  return sums.total;
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
