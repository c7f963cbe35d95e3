import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Granularity } from '../../../../../science/methods/parts/pattern.js';
import { checkRebuiltMasks, selectSwaps, unstructured } from '../../../../../science/methods/index.js';
import { swapSelection } from '../../../../../science/methods/rebuild/published/rebuild.js';
import type { Pattern, Shape, SwapRequest } from '../../../../../science/methods/index.js';
import { granularities, masks, nmPatterns, patternMasks, ratios, scores, shapes } from '../../generate.js';

/** A weight: its linear, its position in it, and whether it is kept. */
interface Weight {
  linear: number;
  at: number;
  importance: number;
  kept: boolean;
}

/** Step 3 as the paper describes it, with sorts. Returns groups of weights in the order of their positions. */
function groupsOf({ importance, masks: kept, shapes: all }: SwapRequest, granularity: Granularity): Weight[][] {
  const groups = new Map<string, Weight[]>();
  all.forEach(([outputs, inputs], linear) => {
    for (let at = 0; at < outputs * inputs; at++) {
      const key = { block: '', layer: `${linear}`, output: `${linear} ${Math.floor(at / inputs)}`, input: `${linear} ${at % inputs}` }[granularity];
      const group = groups.get(key) ?? [];
      group.push({ linear, at, importance: importance[linear][at], kept: kept[linear][at] === 1 });
      groups.set(key, group);
    }
  });
  return [...groups.values()];
}

/** Array sorts are stable, so equal importances stay in the order of their positions. */
function swapsOf(group: Weight[], hundredths: number): { growth: Weight[]; prune: Weight[] } {
  const growth = group.filter((weight) => !weight.kept).sort((a, b) => b.importance - a.importance);
  const prune = group.filter((weight) => weight.kept).sort((a, b) => a.importance - b.importance);
  const n = growth.filter((weight, rank) => rank < prune.length && weight.importance > prune[rank].importance).length;
  const count = Math.floor((n * hundredths) / 100);
  return { growth: growth.slice(0, count), prune: prune.slice(0, count) };
}

function oracle(request: SwapRequest): Uint8Array[] {
  const result = request.masks.map((mask) => mask.slice());
  const set = (weights: Weight[], value: number): void => weights.forEach(({ linear, at }) => (result[linear][at] = value));
  const hundredths = Math.round(request.ratio * 100);
  const { pattern } = request;
  for (const group of groupsOf(request, pattern.kind === 'N:M' ? 'output' : request.granularity)) {
    const { growth, prune } = swapsOf(group, hundredths);
    if (pattern.kind === 'unstructured') {
      set(growth, 1);
      set(prune, 0);
      continue;
    }
    for (let first = 0; first < group.length; first += pattern.of) {
      const members = group.slice(first, first + pattern.of);
      const kept = members.filter((weight) => weight.kept).sort((a, b) => a.importance - b.importance);
      const growing = growth.filter((weight) => members.includes(weight)).slice(0, kept.length);
      set(growing, 1);
      set(kept.slice(0, growing.length), 0);
    }
  }
  return result;
}

function requests(linear: (shape: Shape) => fc.Arbitrary<Uint8Array>, pattern: Pattern, multiple = 1): fc.Arbitrary<SwapRequest> {
  return fc.array(shapes(multiple), { minLength: 1, maxLength: 3 }).chain((all) =>
    fc.record({
      shapes: fc.constant(all),
      importance: fc.tuple(...all.map(([outputs, inputs]) => scores(outputs * inputs))),
      masks: fc.tuple(...all.map(linear)),
      pattern: fc.constant(pattern),
      granularity: granularities,
      ratio: ratios,
    }),
  );
}

const named = (request: SwapRequest, all: readonly Uint8Array[]) =>
  all.map((mask, index) => ({ name: `linear ${index + 1}`, shape: request.shapes[index], mask }));

function check(request: SwapRequest): void {
  const before = request.masks.map((mask) => mask.slice());
  const { masks: after, swaps } = selectSwaps(request);
  expect(after).toEqual(oracle(request));
  expect(request.masks).toEqual(before);
  checkRebuiltMasks(named(request, before), named(request, after), request);
  after.forEach((mask, index) => {
    const grown = mask.filter((bit, i) => bit > before[index][i]).length;
    const pruned = mask.filter((bit, i) => bit < before[index][i]).length;
    expect(swaps[index]).toEqual({ grown, pruned });
  });
}

describe('swapSelection', () => {
  it('gives the same for several ratios at once as for each alone', () => {
    fc.assert(
      fc.property(requests(masks, unstructured), fc.array(ratios, { minLength: 2, maxLength: 3 }), (request, tried) => {
        const at = swapSelection(request);
        for (const ratio of tried) expect(at(ratio).masks).toEqual(oracle({ ...request, ratio }));
      }),
      { numRuns: 200 },
    );
  });
});

describe('selectSwaps', () => {
  it('makes the swaps that sorting finds, for every granularity', () => {
    fc.assert(fc.property(requests(masks, unstructured), check), { numRuns: 1000 });
  });

  it('makes the swaps that sorting finds, for every N:M', () => {
    const request = nmPatterns.chain((pattern) => requests((shape) => patternMasks(shape, pattern), pattern, pattern.of));
    fc.assert(fc.property(request, check), { numRuns: 1000 });
  });

  it('agrees with sorting on a large group with ties', () => {
    const length = 12_000;
    const importance = [0, 1].map((seed) => Float32Array.from({ length }, (_, i) => ((i * 7919 + seed * 17) % 997) / 7));
    const random = [3, 5].map((seed) => Uint8Array.from({ length }, (_, i) => ((Math.imul(i + 1, 2654435761) >>> 7) * seed) & 1));
    const shape = [80, 150] as const;
    for (const granularity of ['block', 'input'] as const) {
      check({ importance, masks: random, shapes: [shape, shape], pattern: unstructured, granularity, ratio: 0.29 });
    }
  });

  it('lets a 1:4 group grow no more than it keeps, the best first', () => {
    const { masks: [mask] } = selectSwaps({
      // A row of two groups. Both kept weights are beaten, the first one by three weights of its own group.
      importance: [Float32Array.from([1, 7, 9, 8, 1, 0, 0, 0])],
      masks: [Uint8Array.from([1, 0, 0, 0, 1, 0, 0, 0])],
      shapes: [[1, 8]],
      pattern: { kind: 'N:M', keep: 1, of: 4 },
      granularity: 'output',
      ratio: 1,
    });
    expect([...mask]).toEqual([0, 0, 1, 0, 1, 0, 0, 0]);
  });

  it('names linear, row and column of an importance that is not finite', () => {
    const request: SwapRequest = {
      importance: [Float32Array.from([1, 2, 3, NaN, 5, 6])],
      masks: [new Uint8Array(6)],
      shapes: [[2, 3]],
      pattern: unstructured,
      granularity: 'block',
      ratio: 0.1,
      names: ['down_proj'],
    };
    expect(() => selectSwaps(request)).toThrow(/down_proj: NaN at row 1, column 0/);
    expect(() => selectSwaps({ ...request, importance: [Float32Array.from([1, 2, Infinity, 4, 5, 6])] })).toThrow(/Infinity at row 0, column 2/);
    expect(() => selectSwaps({ ...request, ratio: 0 })).toThrow(/the ratio 0/);
    expect(() => selectSwaps({ ...request, masks: [new Uint8Array(5)] })).toThrow(/a mask of 5/);
  });
});
