import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor2D } from '../../../../../science/engine/index.js';
import { selectSwaps, unstructured } from '../../../../../science/methods/index.js';
import type { Granularity, Shape } from '../../../../../science/methods/index.js';
import { masksAt, rankSwaps } from '../../../../../science/methods/rebuild/published/device-swaps.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { needs, where } from '../../../../helpers/needs.js';
import { granularities, masks, ratios, scores, shapes } from '../../generate.js';

interface Linear {
  shape: Shape;
  importance: Float32Array;
  mask: Uint8Array;
}

const linear = shapes().chain((shape) => fc.record({ shape: fc.constant(shape), importance: scores(shape[0] * shape[1]), mask: masks(shape) }));

/** The values of one linear, a row a group. */
function byGroups(values: Float32Array, [outputs, inputs]: Shape, granularity: Granularity): Tensor2D {
  if (granularity === 'input') return tf.transpose(tf.tensor2d(values, [outputs, inputs]));
  return tf.tensor2d(values, granularity === 'output' ? [outputs, inputs] : [1, values.length]);
}

/** The masks at each ratio, from one ranking. */
async function onDevice(linears: readonly Linear[], granularity: Granularity, tried: readonly number[]): Promise<number[][][]> {
  tf.engine().startScope();
  const segments = linears.map(({ importance, mask, shape }) => ({
    importance: byGroups(importance, shape, granularity),
    mask: byGroups(Float32Array.from(mask), shape, granularity),
  }));
  const groups = granularity === 'block' ? [segments] : segments.map((segment) => [segment]);
  const rankings = await Promise.all(groups.map(rankSwaps));
  const found = tried.map((ratio) =>
    rankings.flatMap((ranking) => masksAt(ranking, ratio)).map((mask) => [...(granularity === 'input' ? tf.transpose(mask) : mask).dataSync()]),
  );
  tf.engine().endScope();
  return found;
}

describe('swaps on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });

  it('are those of the host, for every ratio of one ranking', async () => {
    const sizes = fc.array(linear, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(sizes, granularities, fc.array(ratios, { minLength: 1, maxLength: 2 }), async (linears, granularity, tried) => {
        const request = {
          importance: linears.map(({ importance }) => importance),
          masks: linears.map(({ mask }) => mask),
          shapes: linears.map(({ shape }) => shape),
          pattern: unstructured,
          granularity,
        };
        const expected = tried.map((ratio) => selectSwaps({ ...request, ratio }).masks.map((mask) => [...mask]));
        expect(await onDevice(linears, granularity, tried)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });
});
