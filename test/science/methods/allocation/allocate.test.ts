import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, allocationMethodOf } from '../../../../science/methods/index.js';
import type { LinearScore } from '../../../../science/methods/index.js';

const models = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 5000 }), layer: fc.integer({ min: 0, max: 9 }), kind: fc.constantFrom('q', 'v', 'down', undefined), score: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.double({ min: 0, max: 1e9, noNaN: true })) }), { minLength: 1, maxLength: 40 })
  .map((all) => all.map(({ kind, ...linear }, index): LinearScore => ({ name: `linear ${index}`, ...linear, ...(kind && { kind }) })));
const methods = fc.constantFrom('uniform', 'owl', 'sensitivity', 'dlp', 'ramp');
const scoring = fc.constantFrom('owl', 'sensitivity', 'dlp');
const percents = fc.integer({ min: 1, max: 99 });
const total = (numbers: Iterable<number>): number => [...numbers].reduce((sum, number) => sum + number, 0);

describe('allocate', () => {
  it('prunes as many weights as uniform pruning, within the bounds of each linear', () => {
    fc.assert(
      fc.property(models, methods, percents, fc.constantFrom(0, 0.01, 0.08, 0.3, 1), (linears, method, percent, spread) => {
        const pruned = allocate({ linears, method, sparsity: percent / 100, spread, ...(method === 'ramp' && { kinds: spread }) });
        expect([...pruned.keys()]).toEqual(linears.map(({ name }) => name));
        expect(total(pruned.values())).toBe(Math.floor((total(linears.map(({ size }) => size)) * percent) / 100));
        // The mean of a ramp may be at either end of it.
        const widest = { uniform: 0, owl: spread, sensitivity: spread, dlp: spread, ramp: 4 * spread }[method];
        const reach = Math.min(widest, percent / 100, 1 - percent / 100);
        for (const { name, size } of linears) {
          const count = pruned.get(name)!;
          expect(Number.isInteger(count) && count >= 0 && count <= size).toBe(true);
          expect(Math.abs(count - (size * percent) / 100)).toBeLessThan(size * reach + 1 + 1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never prunes more of a linear with a larger score', () => {
    fc.assert(
      fc.property(models, scoring, percents, (linears, method, percent) => {
        const pruned = allocate({ linears, method, sparsity: percent / 100 });
        for (const a of linears) {
          for (const b of linears) {
            if (a.score <= b.score) continue;
            const [less, more] = [pruned.get(a.name)!, pruned.get(b.name)!];
            if (a.size === b.size) expect(less).toBeLessThanOrEqual(more);
            // If sizes differ, rounding may cost each linear one weight.
            else expect(less / a.size).toBeLessThanOrEqual(more / b.size + 1 / a.size + 1 / b.size);
          }
        }
      }),
    );
  });

  it('does not depend on the order of linears, except for rounding between equal ones', () => {
    const shuffled = models.chain((linears) => fc.tuple(fc.constant(linears), fc.shuffledSubarray(linears, { minLength: linears.length })));
    fc.assert(
      fc.property(shuffled, methods, percents, ([linears, other], method, percent) => {
        const first = allocate({ linears, method, sparsity: percent / 100 });
        const second = allocate({ linears: other, method, sparsity: percent / 100 });
        for (const { name } of linears) expect(Math.abs(first.get(name)! - second.get(name)!)).toBeLessThanOrEqual(1);
      }),
    );
  });

  const layers = [2, 1, 4, 1].map((score, index) => ({ name: `layer ${index}`, size: 1000, layer: index, score }));

  it('OWL: decreases with the distance from the mean, with the farthest at the end of the interval', () => {
    // Mean 2; distances 0, -1, 2, -1.
    expect([...allocate({ linears: layers, method: 'owl', sparsity: 0.7 }).values()]).toEqual([700, 740, 620, 740]);
    expect([...allocate({ linears: layers.map((layer) => ({ ...layer, score: 3 })), method: 'owl', sparsity: 0.7 }).values()]).toEqual([700, 700, 700, 700]);
    // The weighted mean of 4 and 1 is 2.5.
    const sizes = [{ name: 'a', size: 1000, layer: 0, score: 4 }, { name: 'b', size: 1000, layer: 1, score: 1 }, { name: 'c', size: 2000, layer: 2, score: 2.5 }];
    expect([...allocate({ linears: sizes, method: 'owl', sparsity: 0.5, spread: 0.1 }).values()]).toEqual([400, 600, 1000]);
  });

  it('DLP: follows the relative importances 1 - U / sum of U', () => {
    const medians = [2, 1, 4, 1];
    const sum = total(medians);
    const importances = medians.map((median) => 1 - median / sum);
    const mean = total(importances) / 4;
    const farthest = Math.max(...importances.map((importance) => Math.abs(importance - mean)));
    const expected = importances.map((importance) => Math.round(1000 * (0.7 - (0.15 * (importance - mean)) / farthest)));
    expect(expected).toEqual([700, 625, 850, 625]);
    const scored = medians.map((median, index) => ({ name: `layer ${index}`, size: 1000, layer: index, score: -median }));
    expect([...allocate({ linears: scored, method: 'dlp', sparsity: 0.7 }).values()]).toEqual(expected);
  });

  it('uses the documented spread if none is given', () => {
    const linears = layers.map((layer) => ({ ...layer, kind: 'up' as const }));
    for (const method of ['owl', 'sensitivity', 'dlp', 'ramp'] as const) {
      const { defaultSpread } = allocationMethodOf(method);
      const request = { linears, method, sparsity: 0.5 };
      expect(allocate({ ...request, spread: defaultSpread })).toEqual(allocate(request));
      expect(allocate({ ...request, spread: defaultSpread + 0.01 })).not.toEqual(allocate(request));
    }
  });

  it('sensitivity: decreases with the rank, weighted by the size of the linear', () => {
    // Ranks from the bottom, in quarters: the two linears with score 1 share the first two.
    expect([...allocate({ linears: layers, method: 'sensitivity', sparsity: 0.5 }).values()]).toEqual([475, 550, 425, 550]);
    const sizes = [{ name: 'a', size: 1000, layer: 0, score: 5 }, { name: 'b', size: 3000, layer: 0, score: 1e9 }];
    expect([...allocate({ linears: sizes, method: 'sensitivity', sparsity: 0.5 }).values()]).toEqual([575, 1425]);
  });

  it('narrows the interval if it would leave 0 to 1', () => {
    expect([...allocate({ linears: layers, method: 'owl', sparsity: 0.95, spread: 0.3 }).values()]).toEqual([950, 975, 900, 975]);
  });

  it.each([
    ['13B', { layers: 40, hidden: 5120, groups: 5120, middle: 13_824 }, 12_687_769_600, 8_881_438_720],
    ['70B', { layers: 80, hidden: 8192, groups: 1024, middle: 28_672 }, 68_451_041_280, 47_915_728_896],
  ])('prunes exactly 70 %% of %s', (_, { layers: count, hidden, groups, middle }, size, pruned) => {
    const shapes = { q: [hidden, hidden], k: [groups, hidden], v: [groups, hidden], o: [hidden, hidden], gate: [middle, hidden], up: [middle, hidden], down: [hidden, middle] } as const;
    const linears = Array.from({ length: count }, (_, layer) =>
      Object.entries(shapes).map(([kind, [out, inputs]], i) => ({
        name: `${layer} ${kind}`, kind: kind as keyof typeof shapes, layer, size: out * inputs, score: Math.sin(layer * 7 + i),
      }))).flat();
    expect(total(linears.map((linear) => linear.size))).toBe(size);
    for (const method of ['uniform', 'owl', 'sensitivity', 'dlp', 'ramp'] as const) {
      const counts = allocate({ linears, method, sparsity: 0.7 });
      expect(total(counts.values())).toBe(pruned);
      for (const linear of linears) expect(counts.get(linear.name)! >= 0 && counts.get(linear.name)! <= linear.size).toBe(true);
    }
  });

  it('refuses invalid scores and sizes', () => {
    const request = { method: 'owl', sparsity: 0.5 } as const;
    expect(() => allocate({ ...request, linears: [{ name: 'q_proj', size: 10, layer: 0, score: NaN }] })).toThrow(/q_proj: a score of NaN/);
    expect(() => allocate({ ...request, linears: [{ name: 'q_proj', size: 0, layer: 0, score: 1 }] })).toThrow(/q_proj: 0 weights/);
    expect(() => allocate({ ...request, linears: layers, spread: -1 })).toThrow(/`spread` of -1/);
    expect(() => allocate({ linears: layers, method: 'ramp', sparsity: 0.5, kinds: 1.1 })).toThrow(/`kinds` of 1.1/);
    expect(() => allocate({ ...request, linears: layers, sparsity: 1.5 })).toThrow(/1.5 is not a valid share/);
  });
});
