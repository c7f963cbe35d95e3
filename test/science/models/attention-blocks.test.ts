import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import { queryBlocks } from '../../../science/models/attention-blocks.js';
import { causalAttention } from '../../../science/models/attention.js';
import { disposeConstants } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

const lengths = { time: fc.integer({ min: 1, max: 40 }), rows: fc.integer({ min: 1, max: 45 }), window: fc.option(fc.integer({ min: 1, max: 45 }), { nil: undefined }) };

describe('blocks of queries', () => {
  it('have every query once, with every key that one of them sees, and no key that none sees', () => {
    fc.assert(fc.property(fc.record(lengths), ({ time, rows, window = time }) => {
      const blocks = queryBlocks(time, { rows, window });
      const queries = blocks.flatMap((block) => Array.from({ length: block.rows }, (_, i) => block.start + i));
      expect(queries).toEqual(Array.from({ length: time }, (_, i) => i));
      for (const { start, rows: count, firstKey, keys } of blocks) {
        expect(count).toBeLessThanOrEqual(rows);
        const sees = Array.from({ length: count }, (_, i) => [Math.max(0, start + i - window + 1), start + i]);
        expect(firstKey).toBe(Math.min(...sees.map(([first]) => first)));
        expect(firstKey + keys - 1).toBe(Math.max(...sees.map(([, last]) => last)));
      }
    }));
  });

  it.each([[512, 0.625], [2048, 0.5625], [4096, 0.5625]])('compute little beyond the diagonal of %i positions', (time, share) => {
    const computed = queryBlocks(time, {}).reduce((sum, { rows, keys }) => sum + rows * keys, 0);
    expect(computed / time ** 2).toBe(share);
  });
});

describe('attention in blocks', () => {
  const rope = { headDim: 4, frequencies: [1, 0.3], amplitude: 1, key: 'blocks' };
  const of = (batch: number, time: number, width: number, seed: number): Tensor3D => tf.randomNormal([batch, time, width], 0, 1, 'float32', seed);

  it('gives the result and the gradients of all queries at once', () => {
    const cases = fc.record({ ...lengths, keyValueHeads: fc.integer({ min: 1, max: 2 }), group: fc.integer({ min: 1, max: 3 }), softcap: fc.constantFrom(undefined, 0.7), turns: fc.boolean() });
    fc.assert(fc.property(cases, ({ time, rows, window, keyValueHeads, group, softcap, turns }) => {
      const heads = keyValueHeads * group;
      const inputs = [heads, keyValueHeads, keyValueHeads].map((count, i) => of(2, time, count * 4, i + 1));
      const dy = of(2, time, heads * 4, 9);
      const run = (most: number) => (q: Tensor, k: Tensor, v: Tensor) =>
        causalAttention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads, keyValueHeads, headDim: 4, softcap }, { window, ...(turns && { rope }) }, most);
      const [whole, blocks] = [time, rows].map((most) => tf.tidy(() => [run(most)(inputs[0], inputs[1], inputs[2]), ...tf.grads((...[q, k, v]: Tensor[]) => run(most)(q, k, v))(inputs, dy)]));
      whole.forEach((expected, i) => {
        const found = blocks[i].dataSync();
        expected.dataSync().forEach((value, at) => expect(found[at]).toBeCloseTo(value, 4));
      });
      tf.dispose([...inputs, dy, ...whole, ...blocks]);
    }), { numRuns: 40, seed: 5 });
  });

  it('holds less than half of the bytes at once', async () => {
    const inputs = [1, 2, 3].map((seed) => of(1, 256, 16, seed));
    const peakOf = async (rows: number): Promise<number> => {
      const gradients = () => {
        const made = tf.grads((...[q, k, v]: Tensor[]) => causalAttention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads: 4, keyValueHeads: 4, headDim: 4 }, {}, rows))(inputs);
        tf.dispose(made);
        return [];
      };
      // The peak includes what was there before, because other tests of this process keep their tables.
      const before = tf.memory().numBytes;
      return (await tf.profile(gradients)).peakBytes - before;
    };
    await peakOf(32);
    expect(await peakOf(32)).toBeLessThan(0.4 * (await peakOf(256)));
    tf.dispose(inputs);
  });
});
