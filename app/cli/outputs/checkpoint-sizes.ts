import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { describeMasks, openMaskSource, prunedLinears, type MaskDescription } from '../../../files/masks/index.js';

/** Bytes of a checkpoint's weights, as they are and in other formats. */
export interface CheckpointSizes {
  weights: number;
  zeros: number;
  pattern: string;
  /** The weight files. */
  dense: number;
  /** After gzip, level 6: the size for sending or archiving. */
  zipped: number;
  /** With the kept values of the linears and one bit per weight; everything else dense. */
  bitmask: number;
  /** With 2 values of every 4 weights, and 2 bits per value; null if a pruned linear is not 2:4. */
  twoOfFour: number | null;
  /** Whether `config.json` has a `sparsity_config`, which vLLM 0.24 rejects. */
  hasSparsityConfig: boolean;
}

/**
 * Reads the weights of a checkpoint folder twice: to count zeros, and to measure the size after gzip.
 * @throws the errors of opening a checkpoint
 */
export async function checkpointSizes(folder: string, onProgress: (doneBytes: number, totalBytes: number) => void = () => undefined): Promise<CheckpointSizes> {
  const { tensors, weightFiles, config } = await openCheckpoint(folder);
  const described = await describeMasks(await openMaskSource(folder));
  const pruned = prunedLinears(described.linears);
  const bytesOf = (name: string): number => {
    const tensor = tensors.get(name);
    return tensor === undefined ? 0 : tensor.end - tensor.begin;
  };
  const sizes = await Promise.all(weightFiles.map(async (file) => (await stat(file)).size));
  const dense = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const without = pruned.reduce((rest, { name }) => rest - bytesOf(name), dense);
  const stored = (bytes: (linear: MaskDescription['linears'][number], element: number) => number): number =>
    pruned.reduce((sum, linear) => sum + bytes(linear, bytesOf(linear.name) / linear.weights), without);
  return {
    weights: described.weights, zeros: described.zeros, pattern: described.pattern, dense,
    zipped: await zippedBytes(weightFiles, (done) => { onProgress(done, dense); }),
    bitmask: Math.round(stored(({ weights, zeros }, element) => (weights - zeros) * element + Math.ceil(weights / 8))),
    twoOfFour: pruned.length > 0 && pruned.every(({ pattern }) => fitsTwoOfFour(pattern)) ? Math.round(stored(({ weights }, element) => (weights / 2) * element + weights / 8)) : null,
    hasSparsityConfig: hasKey(config, 'sparsity_config'),
  };
}

/** Whether at most 2 of every 4 weights are kept. */
const fitsTwoOfFour = (pattern: string): boolean => pattern === '2:4' || pattern === '1:4' || pattern === '1:2';

async function zippedBytes(files: readonly string[], onProgress: (done: number) => void): Promise<number> {
  let [zipped, read] = [0, 0];
  for (const file of files) {
    const source = createReadStream(file, { highWaterMark: 1 << 20 });
    source.on('data', (piece) => { onProgress((read += piece.length)); });
    const count = new Writable({
      write: (piece: Buffer, _, done) => {
        zipped += piece.length;
        done();
      },
    });
    await pipeline(source, createGzip({ level: 6 }), count);
  }
  return zipped;
}

function hasKey(value: unknown, key: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, key) || Object.values(value).some((member) => hasKey(member, key));
}
