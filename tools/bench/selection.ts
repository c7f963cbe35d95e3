/**
 * Compares selection with a plain typed-array sort of the same numbers: for one group of 135 million weights (the MLP of a 7B model),
 * and for 13,824 rows and 5,120 columns (one linear of a 13B model).
 *
 * If TensorFlow is linked, then makes the same initial masks from scores on the device: seconds, and whether the masks are equal.
 *
 * usage: node dist/tools/bench/selection.js [SCALE]     SCALE divides the sizes (default: 1)
 */
import { downloadBits, openEngine, tf } from '../../science/engine/index.js';
import { pruneSmallestOnDevice } from '../../science/methods/parts/device-prune.js';
import { maskBytes } from '../../science/methods/parts/mask-set.js';
import { pruneSmallest, selectSwaps, unstructured } from '../../science/methods/index.js';
import type { Shape } from '../../science/methods/index.js';

const scale = Number(process.argv[2] ?? 1);

/** Makes scores with crowded exponents, as in models. */
function randomScores(length: number): Float32Array {
  const values = new Float32Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      sum += state;
    }
    values[i] = Math.abs(sum) * 1e-11;
  }
  return values;
}

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function report(label: string, taken: number, sorting: number): void {
  console.log(`${label.padEnd(52)} ${taken.toFixed(2).padStart(7)} s   ${(sorting / taken).toFixed(1).padStart(5)} times as fast as sorting`);
}

function bench(label: string, [outputs, inputs]: Shape): void {
  const scores = randomScores(outputs * inputs);
  const mask = new Uint8Array(scores.length);
  const sortGroups = (size: number): number => {
    const copy = scores.slice();
    return seconds(() => {
      for (let start = 0; start < copy.length; start += size) copy.subarray(start, start + size).sort();
    });
  };
  const sortAll = sortGroups(scores.length);
  const sortRows = sortGroups(inputs);
  console.log(`${label}: ${outputs} x ${inputs}; a sort takes ${sortAll.toFixed(1)} s in one piece, ${sortRows.toFixed(1)} s by rows`);
  const prune = (size: number, count: number): number => seconds(() => pruneSmallest(scores, size, count, mask));
  report('  initial mask, 2:4', prune(4, 2), sortRows);
  report('  initial mask, one group', prune(scores.length, scores.length / 2), sortAll);
  report('  initial mask, by rows', prune(inputs, inputs / 2), sortRows);
  // Importance is the score times another factor, as after Wanda or magnitude.
  const importance = randomScores(scores.length);
  for (let i = 0; i < importance.length; i++) importance[i] = scores[i] * (importance[(i * 7919) % importance.length] + 0.01);
  const request = { importance: [importance], masks: [mask], shapes: [[outputs, inputs] as const], ratio: 0.1 };
  for (const granularity of ['block', 'output', 'input'] as const) {
    let grown = 0;
    const taken = seconds(() => (grown = selectSwaps({ ...request, pattern: unstructured, granularity }).swaps[0].grown));
    report(`  swaps, ${granularity} (${grown} made)`, taken, granularity === 'output' ? sortRows : sortAll);
  }
  prune(4, 2);
  const pattern = { kind: 'N:M', keep: 2, of: 4 } as const;
  report('  swaps, 2:4', seconds(() => selectSwaps({ ...request, pattern, granularity: 'output' })), sortRows);
}

/** The scores are on the device, as after a backward pass. The mask is downloaded with one bit per weight. */
function benchOnDevice(label: string, [outputs, inputs]: Shape): void {
  const scores = randomScores(outputs * inputs);
  const onDevice = tf.tensor1d(scores);
  const host = new Uint8Array(scores.length);
  for (const [name, size] of [['one group', scores.length], ['by rows', inputs]] as const) {
    const hostSeconds = seconds(() => pruneSmallest(scores, size, size / 2, host));
    let mask: Uint8Array = host;
    const deviceSeconds = seconds(() => {
      mask = tf.tidy(() => maskBytes(downloadBits(pruneSmallestOnDevice(tf.reshape(onDevice, [-1, size]), size / 2)), scores.length));
    });
    const equal = Buffer.compare(mask, host) === 0 ? 'equal masks' : 'MASKS DIFFER';
    console.log(`${label}, ${name}: host ${hostSeconds.toFixed(2)} s, device ${deviceSeconds.toFixed(2)} s, ${equal}`);
  }
  onDevice.dispose();
}

bench('7B, whole MLP', [33024 / scale, 4096]);
bench('13B, one linear', [13824 / scale, 5120]);

const engine = await openEngine({ backend: 'auto' });
if (engine.backend === 'tensorflow') {
  console.log(`on the device: ${engine.device}, ${engine.threads} threads`);
  benchOnDevice('7B, whole MLP', [33024 / scale, 4096]);
  benchOnDevice('13B, one linear', [13824 / scale, 5120]);
  console.log(`peak memory of the process: ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(1)} GiB`);
}
