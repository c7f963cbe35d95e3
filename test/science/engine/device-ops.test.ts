import { beforeAll, describe, expect, test } from 'vitest';
import { downloadBits, magnitudeDigits, openEngine, packBits, tf, unpackBits, widenFrom16 } from '../../../science/engine/index.js';
import { needs, where } from '../../helpers/needs.js';

describe('operations on bits', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openEngine({ backend: 'tensorflow' });
  });

  test('returns digits of magnitudes, denormals included', () => {
    const values = Float32Array.from([1, -1, 0, -0, 1.4e-45, -1e-40, 3.4028234663852886e38]);
    const { high, low } = magnitudeDigits(tf.tensor1d(values));
    const bits = [...new Uint32Array(values.buffer)].map((word) => word & 0x7fffffff);
    expect([...high.dataSync()]).toEqual(bits.map((word) => Math.floor(word / 32768)));
    expect([...low.dataSync()]).toEqual(bits.map((word) => word % 32768));
  });

  test.each([1, 7, 31, 32, 33, 100])('packs a mask of %i into bits and back', (size) => {
    const mask = Uint8Array.from({ length: size }, (_, i) => (i * i + (i >> 2)) % 3 === 0 || i === size - 1 ? 1 : 0);
    const words = packBits(tf.tensor1d(Float32Array.from(mask)));
    expect(words.shape).toEqual([Math.ceil(size / 32)]);
    const bits = downloadBits(tf.tensor1d(Float32Array.from(mask)));
    expect([...bits]).toEqual([...new Uint8Array(words.dataSync<'int32'>().slice().buffer)].slice(0, Math.ceil(size / 8)));
    expect([...unpackBits(bits, [size]).dataSync()]).toEqual([...mask]);
  });

  test('stores bit i % 32 of word i / 32', () => {
    const words = packBits(tf.tensor1d(Float32Array.from({ length: 64 }, (_, i) => (i === 0 || i === 31 || i === 33 ? 1 : 0))));
    expect([...words.dataSync()]).toEqual([-(2 ** 31) + 1, 2]);
  });

  test('widens every bfloat16 except NaN to its own bits', () => {
    const values = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) <= 0x7f80);
    const before = tf.memory().numTensors;
    const wide = widenFrom16(new Uint8Array(values.buffer), 'bfloat16', [2, values.length / 2]);
    expect(wide.shape).toEqual([2, values.length / 2]);
    const bits = new Uint32Array((wide.dataSync<'float32'>()).slice().buffer);
    expect(bits.every((word, i) => word === values[i] * 65536)).toBe(true);
    wide.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('widens every float16 except NaN to its value', () => {
    const values = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    const value = (bits: number): number => {
      const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
      const size = exponent === 31 ? Infinity : exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      return bits >> 15 ? -size : size;
    };
    const wide = widenFrom16(new Uint8Array(values.buffer), 'float16', [values.length]).dataSync();
    expect(values.every((bits, i) => Object.is(wide[i], value(bits)))).toBe(true);
  });
});
