import type { TensorData } from '../../../files/checkpoints/index.js';
import type { TensorSpec } from '../../../science/models/index.js';

/** Random bfloat16 values of about 1 / sqrt(hidden size) for each tensor, computed when it is written. */
export function randomTensors(specs: readonly TensorSpec[], hiddenSize: number, random: () => number): TensorData[] {
  const exponent = 127 - Math.round(Math.log2(hiddenSize) / 2);
  return specs.map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { name, dtype: 'BF16', shape: [...shape], data: () => Promise.resolve(randomBytes(size, exponent, random)) };
  });
}

/** Random signs and mantissas, with exponents from `exponent - 3` to `exponent`. */
function randomBytes(size: number, exponent: number, random: () => number): Uint8Array {
  const words = new Uint16Array(size);
  for (let i = 0; i < size; i++) {
    const word = random();
    words[i] = ((word & 0x8000) | ((exponent - ((word >>> 16) & 3)) << 7) | (word & 0x7f)) & 0xffff;
  }
  return new Uint8Array(words.buffer);
}

/** The same sequence of 32-bit words each time. */
export function randomWords(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
}
