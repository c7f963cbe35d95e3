/**
 * Compares the two kernels that TensorFlow has for batches of matrix products on a CPU (science/engine/batch-products.ts), with the products
 * of attention. Prints GFLOP/s, each the fastest of ten runs, which take turns.
 *
 * usage: node dist/tools/bench/batch-products.js
 */
import { openEngine, tf } from '../../science/engine/index.js';
import type { Tensor, Tensor4D } from '../../science/engine/index.js';

interface Case {
  windows: number;
  heads: number;
  rows: number;
  keys: number;
  headDim: number;
}

/** A block of queries of bench512, of SmolLM2-135M, and of LLaMA-7B. */
const cases: Case[] = [
  { windows: 16, heads: 8, rows: 128, keys: 512, headDim: 64 },
  { windows: 16, heads: 9, rows: 128, keys: 512, headDim: 64 },
  { windows: 1, heads: 32, rows: 256, keys: 2048, headDim: 128 },
];
const runs = 10;

interface Backend {
  binding: { TF_ATTR_TYPE: number; TF_ATTR_BOOL: number; TF_FLOAT: number };
  executeSingleOutput: (name: string, attributes: object[], inputs: Tensor[]) => Tensor;
}

/** The product by the kernel that TensorFlow takes without our choice. */
function byDefault(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const backend = tf.backend() as unknown as Backend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = backend.binding;
  return backend.executeSingleOutput('BatchMatMulV2', [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }, { name: 'adj_x', type: TF_ATTR_BOOL, value: transposeA }, { name: 'adj_y', type: TF_ATTR_BOOL, value: transposeB },
  ], [a, b]);
}

function millisecondsOf(product: () => Tensor): number {
  const start = performance.now();
  const made = product();
  const taken = performance.now() - start;
  made.dispose();
  return taken;
}

const { device, kernels, threads } = await openEngine({ backend: 'tensorflow' });
console.log(`${device}, ${kernels}, ${threads} threads; GFLOP/s by default and as used here\n`);
console.log('| windows, heads, queries x keys, width | scores | values | gradient of keys |\n|---|--:|--:|--:|');
for (const { windows, heads, rows, keys, headDim } of cases) {
  const random = (height: number, width: number): Tensor4D => tf.randomNormal<Tensor4D['rankType']>([windows, heads, height, width]);
  const [queries, values, scores] = [random(rows, headDim), random(keys, headDim), random(rows, keys)];
  const flops = 2 * windows * heads * rows * keys * headDim;
  const products: [Tensor, Tensor, boolean, boolean][] = [[queries, values, false, true], [scores, values, false, false], [scores, queries, true, false]];
  const cells = products.map(([a, b, transposeA, transposeB]) => {
    const works = [() => byDefault(a, b, transposeA, transposeB), () => tf.matMul(a, b, transposeA, transposeB)];
    const best = works.map(() => Infinity);
    for (let run = 0; run < runs; run++) works.forEach((work, index) => { best[index] = Math.min(best[index], millisecondsOf(work)); });
    return best.map((taken) => (flops / taken / 1e6).toFixed(0)).join(' → ');
  });
  console.log(`| ${windows}, ${heads}, ${rows} x ${keys}, ${headDim} | ${cells.join(' | ')} |`);
  tf.dispose([queries, values, scores]);
}
