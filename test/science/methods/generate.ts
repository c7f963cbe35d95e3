import fc from 'fast-check';
import type { Granularity } from '../../../science/methods/parts/pattern.js';
import type { Pattern, Shape } from '../../../science/methods/index.js';

/** Difficult scores: few distinct values (ties), zeros, denormals, or any finite values. */
const score = fc.oneof(
  fc.constantFrom(0, 1, 2, 3),
  fc.constantFrom(0, 1.4e-45, 2.8e-45, 1e-40, 1.1754943508222875e-38),
  fc.float({ min: 0, noDefaultInfinity: true, noNaN: true }),
);

/** An array with one kind of score, and sometimes with the same value everywhere. */
export function scores(length: number): fc.Arbitrary<Float32Array> {
  const filled = (element: fc.Arbitrary<number>) => fc.array(element, { minLength: length, maxLength: length });
  return fc
    .oneof(filled(score), filled(fc.constantFrom(0, 1, 2)), filled(fc.float({ min: 0, max: 1, noNaN: true })), score.map((value) => new Array<number>(length).fill(value)))
    .map((values) => Float32Array.from(values, Math.abs));
}

export const sparsities = fc.constantFrom(0.01, 0.1, 0.25, 0.5, 0.6, 0.9, 0.99);
export const ratios = fc.constantFrom(0.01, 0.1, 0.29, 0.5, 1);
export const granularities = fc.constantFrom<Granularity>('block', 'layer', 'output', 'input');
export const nmPatterns = fc
  .constantFrom([1, 2], [2, 4], [1, 4], [3, 4], [4, 8], [1, 8], [5, 6])
  .map(([keep, of]): Pattern & { kind: 'N:M' } => ({ kind: 'N:M', keep, of }));

export function shapes(inputsMultiple = 1): fc.Arbitrary<Shape> {
  return fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 }).map((factor) => factor * inputsMultiple));
}

/** A mask of any density. Dead rows and columns are pruned completely. */
export function masks([outputs, inputs]: Shape): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      bits: fc.array(fc.constantFrom(0, 1), { minLength: outputs * inputs, maxLength: outputs * inputs }),
      deadRow: fc.option(fc.nat(outputs - 1)),
      deadColumn: fc.option(fc.nat(inputs - 1)),
    })
    .map(({ bits, deadRow, deadColumn }) =>
      Uint8Array.from(bits, (bit, i) => (Math.floor(i / inputs) === deadRow || i % inputs === deadColumn ? 0 : bit)),
    );
}

/** A random mask that keeps N of every M. */
export function patternMasks([outputs, inputs]: Shape, { keep, of }: Pattern & { kind: 'N:M' }): fc.Arbitrary<Uint8Array> {
  const group = fc.shuffledSubarray(Array.from({ length: of }, (_, i) => i), { minLength: keep, maxLength: keep });
  const groups = (outputs * inputs) / of;
  return fc.array(group, { minLength: groups, maxLength: groups }).map((kept) => {
    const mask = new Uint8Array(outputs * inputs);
    kept.forEach((positions, index) => positions.forEach((position) => (mask[index * of + position] = 1)));
    return mask;
  });
}
