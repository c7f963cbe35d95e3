import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keep, selectOn, tf } from '../../../../../science/engine/index.js';
import { NonFiniteScoreError, PatternError, unstructured } from '../../../../../science/methods/index.js';
import type { Granularity, Pattern, Shape } from '../../../../../science/methods/index.js';
import { disposeMasks, workingMasks } from '../../../../../science/methods/parts/working-masks.js';
import { searchMasks } from '../../../../../science/methods/rebuild/published/mask-search.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { needs, where } from '../../../../helpers/needs.js';
import { granularities, masks, nmPatterns, patternMasks, ratios, scores, shapes } from '../../generate.js';

interface Linear {
  shape: Shape;
  importance: Float32Array;
  mask: Uint8Array;
}

interface Asked {
  pattern: Pattern;
  granularity: Granularity;
  rule: 'published' | 'pairs';
}

const specOf = ({ shape }: Pick<Linear, 'shape'>, index: number) => ({ name: `linear ${index}`, shape });

/** Returns the masks at each ratio, all from one search. */
async function search(place: 'host' | 'device', linears: readonly Linear[], asked: Asked, tried: readonly number[]): Promise<number[][][]> {
  selectOn(place);
  const specs = linears.map(specOf);
  const before = workingMasks(specs, new Map(linears.map(({ mask }, index) => [`linear ${index}`, mask])));
  const importance = linears.map(({ importance, shape }) => keep(tf.tensor2d(importance, [...shape])));
  const found = await searchMasks({ linears: specs, importance, masks: before, ...asked });
  const result = tried.map((ratio) => {
    const after = found.at(ratio);
    const bytes = specs.map(({ name }) => [...(after.get(name) as Uint8Array)]);
    disposeMasks(after);
    return bytes;
  });
  found.dispose();
  disposeMasks(before);
  return result;
}

const linear = shapes().chain((shape) => fc.record({ shape: fc.constant(shape), importance: scores(shape[0] * shape[1]), mask: masks(shape) }));
/** Sets denormals to zero, as TensorFlow's own comparisons do, which rank the weights within a group of M. */
const normal = (values: Float32Array): Float32Array => values.map((value) => (value < 1.2e-38 ? 0 : value));
const patternLinear = nmPatterns.chain((pattern) =>
  fc.array(shapes(pattern.of).chain((shape) => fc.record({ shape: fc.constant(shape), importance: scores(shape[0] * shape[1]).map(normal), mask: patternMasks(shape, pattern) })), { minLength: 1, maxLength: 3 })
    .map((linears) => ({ pattern, linears })));
const someRatios = fc.array(ratios, { minLength: 1, maxLength: 2 });

describe('swaps found on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });
  afterEach(() => { selectOn(undefined); });

  it('match the host: unstructured, every granularity', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(linear, { minLength: 1, maxLength: 3 }), granularities, someRatios, async (linears, granularity, tried) => {
        const asked = { pattern: unstructured, granularity, rule: 'published' } as const;
        expect(await search('device', linears, asked, tried)).toEqual(await search('host', linears, asked, tried));
      }),
      { numRuns: 20 },
    );
  });

  it.each(['block', 'layer'] as const)('match the host: linears of many weights and many ties, %s', async (granularity) => {
    const many = ([outputs, inputs]: Shape, values: number): Linear => ({
      shape: [outputs, inputs],
      importance: Float32Array.from({ length: outputs * inputs }, (_, i) => ((i * 2654435761) >>> 7) % values),
      mask: Uint8Array.from({ length: outputs * inputs }, (_, i) => ((i * 40503) >>> 3) % 2),
    });
    const linears = [many([523, 509], 5), many([7, 9], 2), many([511, 521], 1000)];
    const asked = { pattern: unstructured, granularity, rule: 'published' } as const;
    const [found, expected] = [await search('device', linears, asked, [1, 0.3]), await search('host', linears, asked, [1, 0.3])];
    expect(found.flat().map((mask, index) => Buffer.compare(Uint8Array.from(mask), Uint8Array.from(expected.flat()[index])))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each(['published', 'pairs'] as const)('match the host: N:M, %s', async (rule) => {
    await fc.assert(
      fc.asyncProperty(patternLinear, someRatios, async ({ pattern, linears }, tried) => {
        const asked = { pattern, granularity: 'block', rule } as const;
        expect(await search('device', linears, asked, tried)).toEqual(await search('host', linears, asked, tried));
      }),
      { numRuns: 30 },
    );
  });

  it('leave nothing behind on the device', async () => {
    const linears = [{ shape: [4, 8] as const, importance: Float32Array.from({ length: 32 }, (_, i) => (i * 7) % 11), mask: Uint8Array.from({ length: 32 }, (_, i) => i % 2) }];
    for (const granularity of ['block', 'layer', 'output', 'input'] as const) {
      const before = tf.memory().numTensors;
      await search('device', linears, { pattern: unstructured, granularity, rule: 'published' }, [0.5]);
      expect(tf.memory().numTensors, granularity).toBe(before);
    }
    for (const rule of ['published', 'pairs'] as const) {
      const before = tf.memory().numTensors;
      await search('device', linears, { pattern: { kind: 'N:M', keep: 1, of: 2 }, granularity: 'block', rule }, [0.5]);
      expect(tf.memory().numTensors, rule).toBe(before);
    }
  });

  it('refuse what the host refuses, with the same message', async () => {
    const linears = [{ shape: [2, 3] as const, importance: Float32Array.of(1, 2, 3, 4, NaN, 6), mask: new Uint8Array(6) }];
    const asked = { pattern: unstructured, granularity: 'block', rule: 'published' } as const;
    for (const place of ['host', 'device'] as const) {
      await expect(search(place, linears, asked, [0.5])).rejects.toThrow('importance of linear 0: NaN at row 1, column 1');
      await expect(search(place, linears, asked, [0.5])).rejects.toBeInstanceOf(NonFiniteScoreError);
      const whole = [{ ...linears[0], importance: new Float32Array(6) }];
      await expect(search(place, whole, { ...asked, pattern: { kind: 'N:M', keep: 1, of: 2 } }, [0.5])).rejects.toBeInstanceOf(PatternError);
      await expect(search(place, whole, asked, [0])).rejects.toThrow('the ratio 0; expected a number in (0, 1]');
    }
  });
});
