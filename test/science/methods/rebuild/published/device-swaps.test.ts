import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import { selectSwaps, unstructured } from '../../../../../science/methods/index.js';
import { masksAt, rankSwaps } from '../../../../../science/methods/rebuild/published/device-swaps.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { needs, where } from '../../../../helpers/needs.js';
import { masks, ratios, scores, shapes } from '../../generate.js';

const linear = shapes().chain((shape) => fc.record({ shape: fc.constant(shape), importance: scores(shape[0] * shape[1]), mask: masks(shape) }));

describe('swaps on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });

  it('are those of the host, for every ratio of one ranking', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(linear, { minLength: 1, maxLength: 3 }), fc.constantFrom('block', 'layer', 'output', 'input'), fc.array(ratios, { minLength: 1, maxLength: 2 }), async (linears, granularity, tried) => {
        const before = tf.memory().numTensors;
        const segments = linears.map(({ importance, mask, shape }) => {
          const [a, b] = [tf.tensor2d(importance, [...shape]), tf.tensor2d(Float32Array.from(mask), [...shape])];
          const grouped = (values: typeof a) => (granularity === 'input' ? tf.transpose(values) : granularity === 'output' ? values : tf.reshape(values, [1, -1]) as typeof a);
          return { importance: grouped(a), mask: grouped(b) };
        });
        const groups = granularity === 'block' ? [segments] : segments.map((segment) => [segment]);
        const rankings = await Promise.all(groups.map((group) => rankSwaps(group)));
        for (const ratio of tried) {
          const found = tf.tidy(() =>
            rankings.flatMap((ranking) => masksAt(ranking, ratio)).map((mask) => [...(granularity === 'input' ? tf.transpose(mask) : mask).dataSync()]),
          );
          const host = selectSwaps({
            importance: linears.map(({ importance }) => importance), masks: linears.map(({ mask }) => mask),
            shapes: linears.map(({ shape }) => shape), pattern: unstructured, granularity, ratio,
          });
          expect(found).toEqual(host.masks.map((mask) => [...mask]));
        }
        expect(before).toBeLessThanOrEqual(tf.memory().numTensors);
        tf.disposeVariables();
      }),
      { numRuns: 80 },
    );
  });
});
