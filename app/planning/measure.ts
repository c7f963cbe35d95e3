import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../../files/artifacts/index.js';
import { factorFlops } from '../../science/cost/index.js';
import { openEngine, tf, zeros64, type EngineRequest } from '../../science/engine/index.js';
import { magnitudeMask } from '../../science/methods/index.js';
import { bestRates } from './bursts.js';
import { isGpu } from './capacity.js';
import { blockBytes, columnCalls } from './devices.js';
import { otherLoad, otherWork, processorTimes } from './busy.js';
import type { Machine } from './machine.js';

const fileBytes = 64 * 2 ** 20;

/** Runs engine work to its end. A GPU has finished when its result can be read. */
async function finished(work: () => ReturnType<typeof tf.scalar>): Promise<void> {
  const result = tf.tidy(work);
  await result.data();
  result.dispose();
}

/**
 * Measures this machine in about three seconds, and notes whether it was busy. Opens the engine in this process.
 *
 * @param folder a file of 64 MiB is written and read there, and removed
 * @throws EngineUnavailable, and the system's error if the folder cannot be written
 */
export async function measureMachine(request: EngineRequest, folder: string): Promise<Machine> {
  const engine = await openEngine(request);
  await finished(() => tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).sum());
  const baseline = process.memoryUsage.rss();

  const [load, times, own] = [otherLoad(), processorTimes(), process.cpuUsage()];
  const n = engine.backend === 'wasm' ? 384 : 1024;
  const matrix = tf.randomNormal([n, n], 0, 1, 'float32', 1);
  const products = 4;
  const multiply = (): Promise<void> => finished(() => {
    let product = matrix;
    for (let i = 0; i < products; i++) product = tf.matMul(product, matrix).mul(0.01);
    return product.sum();
  });
  // Far larger than caches, and so large that results get new pages, like the activations of a large model.
  const [long, other] = [tf.ones([16 * 2 ** 20]), tf.ones([16 * 2 ** 20])];
  const little = tf.ones([1]);
  const calls = 100;
  const call = (): Promise<void> => finished(() => {
    let value = little;
    for (let i = 0; i < calls; i++) value = value.add(little);
    return value.sum();
  });
  const factored = engine.backend === 'wasm' ? 128 : 768;
  const diagonal = new Float64Array(factored).fill(1);
  const factorOnce = async (): Promise<void> => {
    const zeros = zeros64(factored, factored);
    const factor = await zeros.inverseFactor({ diagonal, triangle: 'lower' });
    await factor?.diagonal();
    factor?.dispose();
    zeros.dispose();
  };
  const weight = Float32Array.from({ length: 2 ** 20 }, (_, i) => Math.sin(i));
  const target = { sparsity: 0.5, pattern: { kind: 'unstructured' as const } };
  const path = join(folder, `measure-${randomUUID()}`);
  const bytes = new Uint8Array(fileBytes);
  try {
    const { calls: callRate, files, ...speeds } = await bestRates({
      flops: { amount: 2 * n ** 3 * products, work: multiply },
      // Reads two arrays and writes one.
      bandwidth: { amount: 3 * 4 * long.size, work: () => finished(() => long.mul(other).slice([0], [1]).sum()) },
      calls: { amount: calls, work: call },
      rankedWeights: { amount: weight.length, work: () => Promise.resolve(magnitudeMask(weight, [1024, 1024], target)) },
      doubleFlops: { amount: factorFlops(factored), work: factorOnce },
      hostFlops: { amount: hostWork, work: () => Promise.resolve(multiplyAdd()) },
      write: { amount: fileBytes, work: () => writeFileDurably(path, [bytes]) },
      read: { amount: fileBytes, work: () => readAll(path, bytes) },
      files: { amount: 1, work: () => writeFileDurably(`${path}-small`, [bytes.subarray(0, 64)]) },
    });
    const { user, system } = process.cpuUsage(own);
    const busy = times === undefined ? load : otherWork(times, processorTimes(), (user + system) / 1e6);
    return { origin: `measured ${new Date().toISOString()}`, engine, baseline, speeds: { ...speeds, blockFlops: isGpu(engine) ? speeds.bandwidth / blockBytes : speeds.hostFlops, columnSeconds: isGpu(engine) ? columnCalls / callRate : 0, callSeconds: 1 / callRate, fileSeconds: 1 / files }, ...(busy !== undefined && { busy }) };
  } finally {
    tf.dispose([matrix, long, other, little]);
    for (const file of [path, `${path}-small`]) await rm(file, { force: true });
  }
}

async function readAll(path: string, into: Uint8Array): Promise<void> {
  const file = await open(path);
  try {
    await file.read(into, 0, into.length, 0);
  } finally {
    await file.close();
  }
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
