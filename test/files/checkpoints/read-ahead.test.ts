import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAhead, type TensorInfo } from '../../../files/checkpoints/index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ahead-'));
});
afterEach(() => rm(folder, { recursive: true }));

const infoOf = (file: string, begin: number, end: number): TensorInfo => ({ name: `at ${begin}`, file, dtype: 'F32', shape: [(end - begin) / 4], begin, end });

/** Bytes that all threads of this process have read so far, as the kernel counts them. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

it('reads all tensors while the thread is blocked, and keeps none of them', () => {
  const file = join(folder, 'weights');
  const bytes = 48 * 2 ** 20;
  writeFileSync(file, Buffer.alloc(bytes));
  const [before, held] = [bytesRead(), process.memoryUsage().arrayBuffers];
  readAhead([infoOf(file, 0, bytes / 2 - 4), infoOf(file, bytes / 2 - 4, bytes)]);
  // No callback can run meanwhile, but the thread pool reads.
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 1000 && bytesRead() - before < bytes; tries++) Atomics.wait(clock, 0, 0, 10);
  expect(bytesRead() - before).toBeGreaterThanOrEqual(bytes);
  expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(bytes / 4);
});

it('leaves a file that cannot be read to the later read', () => {
  expect(() => { readAhead([infoOf(join(folder, 'gone'), 0, 8)]); }).not.toThrow();
});
