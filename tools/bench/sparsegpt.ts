/**
 * The parts of SparseGPT on one random linear: summing the Hessian, factoring it, and pruning.
 *
 * usage: node dist/tools/bench/sparsegpt.js [INPUTS [OUTPUTS [TOKENS]]]     2048, as many outputs, and 2048 tokens unless given
 */
import { openEngine, tf } from '../../science/engine/index.js';
import type { Tensor3D } from '../../science/engine/index.js';
import { factorHessian, HessianSum, parsePattern, sparseGpt, unstructured } from '../../science/methods/index.js';

const inputs = Number(process.argv[2] ?? 2048);
const outputs = Number(process.argv[3] ?? inputs);
const tokens = Number(process.argv[4] ?? 2048);
const shape = [outputs, inputs] as const;

async function timed<T>(label: string, operations: number, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const speed = operations === 0 ? '' : `, ${(operations / seconds / 1e9).toFixed(1)} GFLOP/s`;
  console.log(`${label.padEnd(22)} ${seconds.toFixed(2)} s${speed}`);
  return result;
}

await openEngine({ backend: 'auto' });
console.log(`${outputs} x ${inputs}, ${tokens} tokens`);
const x: Tensor3D = tf.randomNormal([1, tokens, inputs], 0, 1, 'float32', 1);
const weight = await tf.randomNormal([outputs, inputs], 0, 0.02, 'float32', 2).data<'float32'>();
const sum = new HessianSum();
await timed('Hessian, one batch', 2 * tokens * inputs ** 2, () => sum.add({ name: 'linear', shape }, x));
const hessian = await timed('factor', (2 / 3) * inputs ** 3, () => factorHessian(sum.of('linear'), inputs, 0.01));
await timed('50 %', 0, () => sparseGpt({ weight, shape, hessian, target: { sparsity: 0.5, pattern: unstructured } }));
await timed('2:4', 0, () => sparseGpt({ weight, shape, hessian, target: { sparsity: 0.5, pattern: parsePattern('2:4') } }));
