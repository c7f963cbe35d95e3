import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../artifacts/index.js';
import { openEngine, tf, type EngineRequest } from '../engine/index.js';
import { magnitudeMask } from '../pruning/index.js';
import type { Machine } from './machine.js';

/** Seconds that every speed is measured for. */
const measureSeconds = 0.25;
const fileBytes = 64 * 2 ** 20;

/** Amount of work a second: the median of as many repetitions as fit, after one to warm up. */
async function rate(amount: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const rates: number[] = [];
  for (const started = performance.now(); performance.now() - started < 1000 * measureSeconds; ) {
    const before = performance.now();
    await work();
    rates.push(amount / ((performance.now() - before) / 1000));
  }
  return rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
}

/** Runs engine work to its end: a GPU is done when its result can be read. */
async function finished(work: () => ReturnType<typeof tf.scalar>): Promise<void> {
  const result = tf.tidy(work);
  await result.data();
  result.dispose();
}

/**
 * Measures this machine in about three seconds. Opens the engine of this process.
 *
 * @param folder where a file of 64 MiB is written and read, and removed
 * @throws EngineUnavailable, and the system's error where the folder cannot be written
 */
export async function measureMachine(request: EngineRequest, folder: string): Promise<Machine> {
  const engine = await openEngine(request);
  await finished(() => tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).sum());
  const baseline = process.memoryUsage.rss();

  const n = engine.backend === 'wasm' ? 384 : 1024;
  const matrix = tf.randomNormal([n, n], 0, 1, 'float32', 1);
  const products = 4;
  const flops = await rate(2 * n ** 3 * products, () => finished(() => {
    let product = matrix;
    for (let i = 0; i < products; i++) product = tf.matMul(product, matrix).mul(0.01);
    return product.sum();
  }));
  // Far larger than caches, and so large that results get new pages, as the activations of a large model do.
  const [long, other] = [tf.ones([16 * 2 ** 20]), tf.ones([16 * 2 ** 20])];
  // Reads two and writes one.
  const bandwidth = await rate(3 * 4 * long.size, () => finished(() => long.mul(other).slice([0], [1]).sum()));
  const little = tf.ones([1]);
  const calls = 100;
  const callSeconds = 1 / (await rate(calls, () => finished(() => {
    let value = little;
    for (let i = 0; i < calls; i++) value = value.add(little);
    return value.sum();
  })));
  tf.dispose([matrix, long, other, little]);

  const weight = Float32Array.from({ length: 2 ** 20 }, (_, i) => Math.sin(i));
  const target = { sparsity: 0.5, pattern: { kind: 'unstructured' as const } };
  const rankedWeights = await rate(weight.length, () => Promise.resolve(magnitudeMask(weight, [1024, 1024], target)));
  const hostFlops = await rate(hostWork, () => Promise.resolve(multiplyAdd()));
  const disk = await measureDisk(folder);
  return { origin: `measured ${new Date().toISOString()}`, engine, baseline, speeds: { flops, bandwidth, callSeconds, rankedWeights, hostFlops, ...disk } };
}

const hostSize = 4096;
const hostRounds = 500;
const hostWork = 2 * hostSize * hostRounds;

function multiplyAdd(): number {
  const a = new Float64Array(hostSize).fill(1.5);
  const b = new Float64Array(hostSize).fill(1e-3);
  for (let round = 0; round < hostRounds; round++) {
    for (let i = 0; i < hostSize; i++) a[i] -= 1e-3 * b[i];
  }
  return a[0];
}

async function measureDisk(folder: string): Promise<{ read: number; write: number; fileSeconds: number }> {
  const path = join(folder, `measure-${randomUUID()}`);
  const bytes = new Uint8Array(fileBytes);
  try {
    const write = await rate(fileBytes, () => writeFileDurably(path, [bytes]));
    const read = await rate(fileBytes, async () => {
      const file = await open(path);
      try {
        await file.read(bytes, 0, fileBytes, 0);
      } finally {
        await file.close();
      }
    });
    const fileSeconds = 1 / (await rate(1, () => writeFileDurably(path, [bytes.subarray(0, 64)])));
    return { read, write, fileSeconds };
  } finally {
    await rm(path, { force: true });
  }
}
