/**
 * Measures the parts of SparseGPT on one random linear: summing the Hessian, factoring it, and pruning.
 *
 * usage: node dist/tools/bench/sparsegpt.js [INPUTS [OUTPUTS [TOKENS]]]     default: 2048 inputs, the same number of outputs, 2048 tokens
 */
import { openEngine, tf } from '../../science/engine/index.js';
import type { Tensor2D, Tensor3D } from '../../science/engine/index.js';
import { factorHessian, parsePattern, sparseGpt, TokenSums, unstructured } from '../../science/methods/index.js';

const inputs = Number(process.argv[2] ?? 2048);
const outputs = Number(process.argv[3] ?? inputs);
const tokens = Number(process.argv[4] ?? 2048);

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
const weight: Tensor2D = tf.randomNormal([outputs, inputs], 0, 0.02, 'float32', 2);
const sums = new TokenSums(1);
await timed('Hessian, one batch', 2 * tokens * inputs ** 2, () => { sums.add(x); });
const factor = await timed('factor', (4 / 3) * inputs ** 3, () => factorHessian(sums.products(), 0.01));
await timed('50 %', 0, () => sparseGpt({ weight, factor, target: { sparsity: 0.5, pattern: unstructured } }));
await timed('2:4', 0, () => sparseGpt({ weight, factor, target: { sparsity: 0.5, pattern: parsePattern('2:4') } }));
