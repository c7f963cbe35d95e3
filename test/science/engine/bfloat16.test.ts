/**
 * Only the results of bfloat16 products show whether a processor has kernels for them. The engine either rounds, or refuses because it would
 * compute in float32.
 */
import { expect, test } from 'vitest';
import { EngineUnavailable, openEngine, tf } from '../../../science/engine/index.js';

test('rounds bfloat16 products, or refuses them', async () => {
  const opened = await openEngine({ backend: 'tensorflow', precision: 'bfloat16' }).catch((fault: unknown) => fault);
  // The factor is between 1 and the next bfloat16 number, 1 + 1/128.
  const [product] = await tf.matMul(tf.fill([128, 128], 1 + 2 ** -10), tf.ones([128, 128])).data();
  if (opened instanceof EngineUnavailable) {
    expect(opened.message).toMatch(/TensorFlow computes it in float32 here \(.+\).*Set `engine\.precision: float32`/);
    expect(product).toBe(128 * (1 + 2 ** -10));
  } else {
    expect(opened).toMatchObject({ precision: 'bfloat16' });
    expect(product).toBe(128);
  }
});
