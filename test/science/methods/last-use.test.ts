import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../science/engine/index.js';
import { layerForward, rebuildMethodOf, unstructured } from '../../../science/methods/index.js';
import { importances } from '../../../science/methods/rebuild/published/importance.js';
import { SquaredGradients } from '../../../science/methods/parts/squared-gradients.js';
import { openTestEngine } from '../../helpers/engine.js';
import { linears, sequences, toBatches, toTensors, toy, toyWeights } from './rebuild/toy-sub-block.js';

const layer = { index: 0, tensors: [], subBlocks: [toy] };
const masks = new Map(linears.map(({ name, shape }) => [name, Uint8Array.from({ length: shape[0] * shape[1] }, (_, i) => i % 2)]));
const valuesOf = (batches: readonly { dataSync: () => Iterable<number> }[]): number[][] => batches.map((batch) => [...batch.dataSync()]);

describe('weights that are not needed afterwards', () => {
  beforeAll(() => openTestEngine());

  it('are freed as soon as they are masked, with the same output', async () => {
    const run = async (lastUse: boolean): Promise<{ output: number[][]; freed: string[] }> => {
      const weights = toTensors(toyWeights());
      const after = await layerForward({ layer, hidden: toBatches(sequences(4, 3), 2), weights, masks, lastUse });
      const output = valuesOf(after);
      const freed = [...weights].flatMap(([name, tensor]) => (tensor.isDisposed ? [name] : []));
      tf.dispose([...after, ...weights.values()]);
      return { output, freed };
    };
    const [before, { numTensors }] = [await run(false), tf.memory()];
    expect(before.freed).toEqual([]);
    expect(await run(true)).toEqual({ output: before.output, freed: linears.map(({ name }) => name) });
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('are freed by a published rebuild, with the same result', async () => {
    const { run } = await rebuildMethodOf('published').load();
    const rebuild = async (lastUse: boolean): Promise<{ output: number[][]; kept: number[][]; freed: string[] }> => {
      const dense = toTensors(toyWeights());
      const made = await run({
        layer, hidden: toBatches(sequences(4, 3), 2), dense, lastUse, start: { masks }, pattern: unstructured, settings: { ratio: 0.5 },
        common: { granularity: 'block', metric: 'weight-gradient', weights: 'keep-dense' }, round: (_, values) => values, onProgress: () => undefined,
      });
      const freed = [...dense].flatMap(([name, tensor]) => (tensor.isDisposed ? [name] : []));
      const result = { output: valuesOf(made.hidden), kept: [...made.masks.values()].map((mask) => [...mask]), freed };
      tf.dispose([...made.hidden, ...dense.values()]);
      return result;
    };
    const before = await rebuild(false);
    expect(before.freed).toEqual([]);
    expect(await rebuild(true)).toEqual({ ...before, freed: linears.map(({ name }) => name) });
  });
});

it('importances take the place of the gradients, one linear after the other', async () => {
  await openTestEngine();
  const shape = [32, 32] as const;
  const four = ['a', 'b', 'c', 'd'].map((name) => ({ name, shape }));
  const bytes = 4 * 32 * 32;
  const weights = new Map(four.map(({ name }) => [name, tf.fill([...shape], -2).clone()]));
  const gradients = SquaredGradients.of(four, new Map(four.map(({ name }) => [name, new Float32Array(32 * 32).fill(9)])));
  const before = tf.memory().numBytes;
  const made: ReturnType<typeof importances> = [];
  const { peakBytes } = await tf.profile(() => {
    made.push(...importances(four, weights, gradients, 'weight-gradient'));
    return [];
  });
  // The magnitudes of one linear, the roots of its gradients, and their product.
  expect(peakBytes - before).toBeLessThanOrEqual(3 * bytes);
  expect(tf.memory().numBytes).toBe(before);
  expect(made.map((values) => values.dataSync()[5])).toEqual([6, 6, 6, 6]);
  tf.dispose([...made, ...weights.values()]);
});
