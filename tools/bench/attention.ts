/**
 * Compares attention in blocks of queries with all queries at once: milliseconds of a forward, and of a forward with gradient. Each is
 * the fastest of five runs, which take turns.
 *
 * usage: node dist/tools/bench/attention.js
 */
import { openEngine, tf } from '../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../science/engine/index.js';
import { causalAttention } from '../../science/models/attention.js';

interface Case {
  windows: number;
  time: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
}

const cases: Case[] = [
  { windows: 16, time: 256, heads: 8, keyValueHeads: 4, headDim: 8 },
  { windows: 16, time: 512, heads: 9, keyValueHeads: 3, headDim: 64 },
  { windows: 16, time: 512, heads: 8, keyValueHeads: 8, headDim: 64 },
  { windows: 1, time: 2048, heads: 8, keyValueHeads: 8, headDim: 128 },
];
const runs = 5;

/** Returns the milliseconds until the results of some work can be read. */
function timeOf(work: () => Tensor[]): number {
  const start = performance.now();
  const made = work();
  for (const tensor of made) tf.tidy(() => tensor.flatten().slice([0], [1]).dataSync());
  tf.dispose(made);
  return performance.now() - start;
}

const { device, threads } = await openEngine({ backend: 'tensorflow' });
console.log(`${device}, ${threads} threads\n`);
console.log('| windows x tokens, heads (of keys), width | forward: at once | in blocks | with gradient: at once | in blocks |\n|---|--:|--:|--:|--:|');
for (const { windows, time, heads, keyValueHeads, headDim } of cases) {
  const inputs = [heads, keyValueHeads, keyValueHeads].map((count, seed) => tf.randomNormal<Tensor3D['rankType']>([windows, time, count * headDim], 0, 1, 'float32', seed + 1));
  const dy = tf.randomNormal<Tensor3D['rankType']>([windows, time, heads * headDim], 0, 1, 'float32', 9);
  const attention = (rows: number | undefined) => (...[q, k, v]: Tensor[]) => causalAttention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads, keyValueHeads, headDim }, {}, rows);
  const works = [time, undefined].flatMap((rows) => [() => [attention(rows)(...inputs)], () => tf.grads(attention(rows))(inputs, dy)]);
  const best = works.map(() => Infinity);
  for (let run = 0; run <= runs; run++) {
    works.forEach((work, index) => {
      const taken = timeOf(work);
      // The first run also creates tables and threads.
      if (run > 0) best[index] = Math.min(best[index], taken);
    });
  }
  const [forward, gradient, blocksForward, blocksGradient] = best.map((value) => value.toFixed(0));
  console.log(`| ${windows} x ${time}, ${heads} (${keyValueHeads}), ${headDim} | ${forward} | ${blocksForward} | ${gradient} | ${blocksGradient} |`);
  tf.dispose([...inputs, dy]);
}
