import { describe, expect, it } from 'vitest';
import { allocate, type LinearScore } from '../../../../../science/methods/index.js';

const linear = (layer: number, kind: LinearScore['kind'], size = 1000): LinearScore => ({ name: `${layer} ${kind}`, size, layer, score: 0, ...(kind && { kind }) });
const counts = (linears: LinearScore[], sparsity: number, spread: number, kinds: number): number[] => [...allocate({ linears, method: 'ramp', sparsity, spread, kinds }).values()];

describe('a ramp', () => {
  it('rises linearly from the first layer to the last', () => {
    expect(counts([0, 1, 2].map((layer) => linear(layer, 'up')), 0.6, 0.1, 0.5)).toEqual([500, 600, 700]);
    expect(counts([0, 1, 2, 3, 4].map((layer) => linear(layer, undefined)), 0.5, 0.2, 0)).toEqual([300, 400, 500, 600, 700]);
    // A model of one layer has no depth.
    expect(counts([linear(0, 'q'), linear(0, 'down')], 0.5, 0.2, 0)).toEqual([500, 500]);
  });

  it('keeps values and outputs denser, and makes queries and keys sparser', () => {
    const layer = (index: number): LinearScore[] => (['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const).map((kind) => linear(index, kind));
    expect(counts(layer(0), 0.6, 0.3, 0.1)).toEqual([700, 700, 500, 500, 600, 600, 600]);
    expect(counts([...layer(0), ...layer(1)], 0.6, 0.05, 0.1)).toEqual([650, 650, 450, 450, 550, 550, 550, 750, 750, 550, 550, 650, 650, 650]);
  });

  it('keeps the total for different sizes', () => {
    // Raw deviations are -0.1 and 0.1. Their mean by size is 0.05, which leaves -0.15 and 0.05.
    expect(counts([linear(0, 'up'), linear(1, 'up', 3000)], 0.5, 0.1, 0)).toEqual([350, 1650]);
  });

  it('narrows the whole ramp if a linear would leave 0 to 1', () => {
    // The deviations would be -0.2, 0 and 0.2, but there is room for only half of that.
    expect(counts([0, 1, 2].map((layer) => linear(layer, 'up')), 0.9, 0.2, 0)).toEqual([800, 900, 1000]);
    expect(counts([linear(0, 'v'), linear(1, 'q')], 0.5, 1, 1)).toEqual([0, 1000]);
  });
});
