/**
 * Every initial mask of difficult small matrices, compared with a few lines that sort: ties, dead rows and columns, constants,
 * denormals; groups of every kind, by share and by number. `rebuild.test.ts` does the same for swaps.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkInitialMask, magnitudeMask, parsePattern, sparseGptBlock, unstructured, wandaMask } from '../../../../../science/methods/index.js';
import type { InitialGroups, MaskTarget, Shape } from '../../../../../science/methods/index.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { nmPatterns, scores, sparsities } from '../../generate.js';
import { sparseGpt } from '../../initial/sparsegpt/of-arrays.js';

beforeAll(() => openTestEngine());

/** Positions by group. Groups are `[height, width]`; those at the end may be smaller. */
function groupsOf([outputs, inputs]: Shape, height: number, width: number): number[][] {
  const groups = new Map<string, number[]>();
  for (let i = 0; i < outputs * inputs; i++) {
    const key = `${Math.floor(i / inputs / height)} ${Math.floor((i % inputs) / width)}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}

/** Sorts are stable, so ties go to the lower position. */
function oracle(shape: Shape, { pattern, sparsity, pruned }: MaskTarget, [height, width]: readonly [number, number], score: (i: number) => number): Uint8Array {
  const size = shape[0] * shape[1];
  const mask = new Uint8Array(size).fill(1);
  let before = 0;
  for (const group of pattern.kind === 'N:M' ? groupsOf(shape, 1, pattern.of) : groupsOf(shape, height, width)) {
    const after = before + group.length;
    const given = pruned === undefined ? Math.floor((group.length * Math.round(sparsity * 100)) / 100) : Math.floor((pruned * after) / size) - Math.floor((pruned * before) / size);
    const count = pattern.kind === 'N:M' ? pattern.of - pattern.keep : given;
    for (const i of group.sort((a, b) => score(a) - score(b)).slice(0, count)) mask[i] = 0;
    before = after;
  }
  return mask;
}

interface Case {
  shape: Shape;
  /** Includes signs, and dead rows and columns. */
  weight: Float32Array;
  norms: Float32Array;
  target: MaskTarget;
}

const targets = fc.oneof(
  sparsities.map((sparsity): [MaskTarget, number] => [{ sparsity, pattern: unstructured }, 1]),
  nmPatterns.map((pattern): [MaskTarget, number] => [{ sparsity: 0.123, pattern }, pattern.of]),
  fc.constantFrom('1:2', '2:4', '4:8', '1:4').map((text): [MaskTarget, number] => [{ sparsity: 0.5, pattern: parsePattern(text) }, Number(text[2])]),
  fc.constant<[MaskTarget, number]>([{ sparsity: 0.5, pattern: unstructured, pruned: 0 }, 1]),
);
/** Some are wider than one block of SparseGPT. */
const sizes = (multiple: number): fc.Arbitrary<Shape> =>
  fc
    .oneof({ arbitrary: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 40 })), weight: 3 }, { arbitrary: fc.tuple(fc.constant(2), fc.integer({ min: 129, max: 300 })), weight: 1 })
    .map(([outputs, inputs]) => [outputs, Math.ceil(inputs / multiple) * multiple]);

/** @param values generates that many weights or norms */
function cases(values: (length: number) => fc.Arbitrary<Float32Array>): fc.Arbitrary<Case> {
  return targets.chain(([target, multiple]) =>
    sizes(multiple).chain((shape) => {
      const size = shape[0] * shape[1];
      return fc
        .record({ weight: values(size), norms: values(shape[1]), negative: fc.integer({ min: 1, max: 5 }), deadRow: fc.option(fc.nat(shape[0] - 1)), deadColumn: fc.option(fc.nat(shape[1] - 1)), pruned: fc.nat(size) })
        .map(({ weight, norms, negative, deadRow, deadColumn, pruned }) => ({
          shape,
          weight: weight.map((value, i) => (Math.floor(i / shape[1]) === deadRow ? 0 : i % negative === 0 ? -value : value)),
          norms: norms.map((value, i) => (i === deadColumn ? 0 : value)),
          target: target.pruned === undefined ? target : { ...target, pruned },
        }));
    }),
  );
}

function check({ shape, target }: Case, mask: Uint8Array, groups: InitialGroups): void {
  checkInitialMask({ name: 'linear', shape, mask }, target, groups);
  if (target.pruned !== undefined) expect(mask.filter((bit) => bit === 0)).toHaveLength(target.pruned);
}

describe('initial masks prune what sorting selects', () => {
  it('by magnitude, in each linear', () => {
    fc.assert(
      fc.property(cases(scores), (one) => {
        const mask = magnitudeMask(one.weight, one.shape, one.target);
        expect(mask).toEqual(oracle(one.shape, one.target, one.shape, (i) => Math.abs(one.weight[i])));
        check(one, mask, 'layer');
      }),
    );
  });

  it('by Wanda, in each row', () => {
    fc.assert(
      fc.property(cases(scores), (one) => {
        const { shape, weight, norms, target } = one;
        const score = (i: number): number => Math.abs(Math.fround(weight[i] * norms[i % shape[1]]));
        fc.pre(weight.every((_, i) => Number.isFinite(score(i))));
        const mask = wandaMask(weight, norms, shape, target);
        expect(mask).toEqual(oracle(shape, target, [1, shape[1]], score));
        check(one, mask, 'output');
      }),
    );
  });

  // Independent inputs of the same size, so that nothing is compensated; some are dead. Other inputs would cause rounded scores.
  it('by SparseGPT, in each block of columns', async () => {
    const few = (length: number) => fc.array(fc.integer({ min: 0, max: 3 }), { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
    await fc.assert(
      fc.asyncProperty(cases(few), async (one) => {
        const { shape, weight, norms, target } = one;
        const live = (i: number): boolean => norms[i % shape[1]] > 0;
        const hessian = new Float64Array(shape[1] ** 2);
        for (let i = 0; i < shape[1]; i++) hessian[i * (shape[1] + 1)] = live(i) ? 7 : 0;
        const { mask, weight: updated } = await sparseGpt({ weight, shape, hessian, target });
        expect(mask).toEqual(oracle(shape, target, [shape[0], sparseGptBlock], (i) => (live(i) ? Math.abs(weight[i]) : 0)));
        // A kept -0 may become +0.
        expect(updated.map((value) => value + 0)).toEqual(weight.map((value, i) => (mask[i] === 1 && live(i) ? value + 0 : 0)));
        check(one, mask, 'columns');
      }),
    );
  });
});
