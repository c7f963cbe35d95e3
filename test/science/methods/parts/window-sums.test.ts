/** Compares sums added up over shards with one pass over all windows. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor3D } from '../../../../science/engine/index.js';
import type { LinearSpec } from '../../../../science/models/types.js';
import { InputNorms } from '../../../../science/methods/parts/statistics.js';
import { TotalSums, type WindowSums } from '../../../../science/methods/parts/window-sums.js';
import { SquaredGradients } from '../../../../science/methods/parts/squared-gradients.js';
import { SubBlockSums } from '../../../../science/methods/rebuild/published/sub-block-sums.js';
import { openTestEngine } from '../../../helpers/engine.js';

beforeAll(async () => {
  await openTestEngine();
});

const linear = { name: 'q', shape: [3, 4] } as unknown as LinearSpec;
const [time, inputs, outputs] = [5, 4, 3];

/** Random divisions of windows into shards of at least one window. */
const cuts = fc.tuple(fc.integer({ min: 2, max: 7 }), fc.integer({ min: 1, max: 1e6 })).chain(([windows, seed]) =>
  fc.record({ windows: fc.constant(windows), seed: fc.constant(seed), edges: fc.uniqueArray(fc.integer({ min: 1, max: windows - 1 }), { maxLength: windows - 1 }) }));

const partsOf = ({ windows, edges }: { windows: number; edges: number[] }): [from: number, count: number][] => {
  const all = [0, ...edges.toSorted((a, b) => a - b), windows];
  return all.slice(1).map((to, index) => [all[index], to - all[index]]);
};

function total(parts: readonly WindowSums[]): WindowSums {
  const sums = new TotalSums();
  for (const part of parts) for (const [name, values] of part) sums.add(name, values);
  return sums.total;
}

const cut = (tensor: Tensor3D, [from, count]: [number, number]): Tensor3D => tensor.slice([from, 0, 0], [count, -1, -1]);

describe('sums of shards', () => {
  it('of squares of inputs are those of all windows, however these are cut', () => {
    fc.assert(fc.property(cuts, (drawn) => {
      tf.tidy(() => {
        const x = tf.randomNormal([drawn.windows, time, inputs], 0, 1, 'float32', drawn.seed) as unknown as Tensor3D;
        const sumsOf = (part: Tensor3D): WindowSums => {
          const norms = new InputNorms();
          norms.add(linear, part);
          return norms.sums();
        };
        const added = InputNorms.of(total(partsOf(drawn).map((part) => sumsOf(cut(x, part))))).norms('q');
        // Computed by hand in float64.
        const values = x.dataSync();
        for (let input = 0; input < inputs; input++) {
          const squares = Array.from(values).filter((_, i) => i % inputs === input).reduce((sum, value) => sum + value * value, 0);
          expect(added[input] / Math.sqrt(squares)).toBeCloseTo(1, 5);
        }
      });
    }), { numRuns: 30 });
  });

  it('of squared gradients and errors are those of all windows', async () => {
    await fc.assert(fc.asyncProperty(cuts, async (drawn) => {
      const x = tf.randomNormal([drawn.windows, time, inputs], 0, 1, 'float32', drawn.seed) as unknown as Tensor3D;
      const dy = tf.randomNormal([drawn.windows, time, outputs], 0, 1, 'float32', drawn.seed + 1) as unknown as Tensor3D;
      const errors = Array.from({ length: drawn.windows }, (_, window) => 1 + window / 8);
      const parts = await Promise.all(partsOf(drawn).map(async (part) => {
        const gradients = new SquaredGradients();
        gradients.add({ linear, x: cut(x, part), dy: cut(dy, part) });
        const own = errors.slice(part[0], part[0] + part[1]);
        const sums = new SubBlockSums(gradients, [own.reduce((sum, one) => sum + one, 0), own.length]);
        const down = await sums.download();
        sums.dispose();
        return down;
      }));
      const added = SubBlockSums.of([linear], total(parts));
      const [found, values, outer] = [added.gradients.get(linear)?.dataSync() ?? [], x.dataSync(), dy.dataSync()];
      expect(added.error).toBeCloseTo(errors.reduce((sum, one) => sum + one, 0) / drawn.windows, 12);
      for (let out = 0; out < outputs; out++) {
        for (let input = 0; input < inputs; input++) {
          let squares = 0;
          for (let window = 0; window < drawn.windows; window++) {
            let gradient = 0;
            for (let t = 0; t < time; t++) gradient += outer[(window * time + t) * outputs + out] * values[(window * time + t) * inputs + input];
            squares += gradient ** 2;
          }
          expect(found[out * inputs + input] / squares).toBeCloseTo(1, 4);
        }
      }
      added.dispose();
      tf.dispose([x, dy]);
    }), { numRuns: 20 });
  });

  it('are rounded one shard after the other', () => {
    // In float32, 2^24 + 1 rounds to 2^24, but 2^24 + 2 is exact.
    const of = (...values: number[]): number => total(values.map((value) => new Map([['a', Float32Array.of(value)]]))).get('a')?.[0] ?? NaN;
    expect(of(2 ** 24, 1, 1)).toBe(2 ** 24);
    expect(of(1, 1, 2 ** 24)).toBe(2 ** 24 + 2);
    expect(total([new Map([['a', Float64Array.of(2 ** 24)]]), new Map([['a', Float64Array.of(1)]])]).get('a')?.[0]).toBe(2 ** 24 + 1);
  });

  it('of another layer are refused', () => {
    const parts = [new Map([['a', Float32Array.of(1, 2)]]), new Map([['a', Float32Array.of(1)]])];
    expect(() => total(parts)).toThrow(/a: a shard has 1 sums in float32; expected 2 sums in float32/);
  });
});
