import { close, openSync } from 'node:fs';
import { NotPrefetchedError } from './errors.js';
import { ownBytes, readRange } from './read-tensor.js';
import type { TensorInfo } from './safetensors-header.js';

/** Tensors that are being read. */
export interface PrefetchedTensors {
  /**
   * Returns a tensor's bytes for `decodeTensor`. Each tensor can be read once, because its bytes are released.
   *
   * @throws NotPrefetchedError, TruncatedFileError
   */
  read(name: string): Promise<{ info: TensorInfo; bytes: Buffer }>;
}

/**
 * Hands all reads to libuv's thread pool at once, so that they continue while a computation blocks the calling thread.
 *
 * @param infos tensors, to be read by their names; or a map as `resolveTensors` returns it, to be read by its keys
 */
export function prefetch(infos: Iterable<TensorInfo> | ReadonlyMap<string, TensorInfo>): PrefetchedTensors {
  const entries = infos instanceof Map ? [...(infos as ReadonlyMap<string, TensorInfo>)] : byName(infos as Iterable<TensorInfo>);
  const pending = new Map<string, { info: TensorInfo; bytes: Promise<Buffer> }>();
  for (const file of new Set(entries.map(([, info]) => info.file))) {
    // Opened synchronously, because a callback would run only after the computation that blocks this thread.
    const descriptor = openSync(file, 'r');
    // Parts of one tensor share its bytes.
    const ranges = new Map<number, Promise<Buffer>>();
    for (const [name, info] of entries) {
      if (info.file !== file) continue;
      const bytes = ranges.get(info.begin) ?? readRange(descriptor, file, info.begin, info.end);
      if (info.part !== undefined) ranges.set(info.begin, bytes);
      pending.set(name, { info, bytes });
    }
    const reads = [...pending.values()].filter(({ info }) => info.file === file).map(({ bytes }) => bytes);
    // `read` reports failures. Handle them here too, so that they do not count as unhandled rejections.
    void Promise.allSettled(reads).then(() => close(descriptor));
  }
  return {
    async read(name) {
      const entry = pending.get(name);
      if (entry === undefined) {
        throw new NotPrefetchedError({ what: `tensor ${name} was not prefetched, or was already read`, remedy: 'Report this as a bug' });
      }
      pending.delete(name);
      return { info: entry.info, bytes: ownBytes(entry.info, await entry.bytes) };
    },
  };
}

function byName(infos: Iterable<TensorInfo>): [string, TensorInfo][] {
  return [...infos].map((info) => [info.name, info]);
}
