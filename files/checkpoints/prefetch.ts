import { close, openSync } from 'node:fs';
import { NotPrefetchedError } from './errors.js';
import { ownBytes, readRange } from './read-tensor.js';
import type { TensorInfo } from './safetensors-header.js';

/** Tensors whose bytes are on their way. */
export interface PrefetchedTensors {
  /**
   * The bytes of the file, as `decodeTensor` takes them. Each tensor once: its bytes are let go.
   *
   * @throws NotPrefetchedError, TruncatedFileError
   */
  read(name: string): Promise<{ info: TensorInfo; bytes: Buffer }>;
}

/**
 * Hands all reads to libuv's thread pool at once, so that they continue while a computation blocks the calling thread.
 *
 * @param infos tensors, known by their names; or a map as `resolveTensors` gives, known by its keys
 */
export function prefetch(infos: Iterable<TensorInfo> | ReadonlyMap<string, TensorInfo>): PrefetchedTensors {
  const entries = infos instanceof Map ? [...(infos as ReadonlyMap<string, TensorInfo>)] : byName(infos as Iterable<TensorInfo>);
  const pending = new Map<string, { info: TensorInfo; bytes: Promise<Buffer> }>();
  for (const file of new Set(entries.map(([, info]) => info.file))) {
    // Opened synchronously, because a callback would come only after the computation that blocks this thread.
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
    // Failures reach whoever reads the tensor; here they must only not go unhandled.
    void Promise.allSettled(reads).then(() => close(descriptor));
  }
  return {
    async read(name) {
      const entry = pending.get(name);
      if (entry === undefined) {
        throw new NotPrefetchedError({ what: `tensor ${name} was not prefetched, or read before`, remedy: 'Report this as a bug' });
      }
      pending.delete(name);
      return { info: entry.info, bytes: ownBytes(entry.info, await entry.bytes) };
    },
  };
}

function byName(infos: Iterable<TensorInfo>): [string, TensorInfo][] {
  return [...infos].map((info) => [info.name, info]);
}
