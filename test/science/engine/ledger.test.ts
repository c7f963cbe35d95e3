import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine, startLedger, tf } from '../../../science/engine/index.js';
import { needs, where } from '../../helpers/needs.js';

describe('the ledger', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openEngine({ backend: 'tensorflow' });
  });

  test('counts bytes in each direction and operations, each once', async () => {
    const values = tf.tensor2d(new Float32Array(600), [20, 30]);
    const flags = tf.tensor1d(new Uint8Array(50), 'bool');
    const end = startLedger();
    const product = tf.matMul(values, values, false, true);
    const whole = flags.cast('float32');
    expect(end()).toMatchObject({ up: 2400 + 50, down: 0, operations: 2 });
    await product.data();
    product.dataSync();
    whole.dataSync();
    // Data that is on the device already is not sent again.
    tf.matMul(values, values, false, true).dispose();
    expect(end()).toMatchObject({ up: 2450, down: 1600 + 1600 + 200, operations: 3 });
    tf.dispose([values, flags, product, whole]);
  });

  test('has parts of the time that add up to the total', async () => {
    const values = tf.ones([256, 256]);
    const started = performance.now();
    const end = startLedger();
    for (let i = 0; i < 20; i++) tf.tidy(() => tf.matMul(values, values).add(values).dataSync());
    let busy = 0;
    for (let i = 0; i < 1e7; i++) busy += i & 1;
    // On a busy machine a timer may be due before anything waits for it.
    while (end().seconds.waiting === 0) await sleep(20);
    const { seconds } = end();
    const total = (performance.now() - started) / 1000;
    expect(busy).toBe(5e6);
    for (const [part, value] of Object.entries(seconds)) expect(value, part).toBeGreaterThan(0);
    expect(Object.values(seconds).reduce((sum, part) => sum + part)).toBeLessThanOrEqual(total * 1.01);
    expect(Object.values(seconds).reduce((sum, part) => sum + part)).toBeGreaterThan(total * 0.5);
    values.dispose();
  });
});
