import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBF16, decodeF16 } from '../../../files/checkpoints/decode.js';
import { encodeBF16, encodeF16, roundToDtype } from '../../../files/checkpoints/encode.js';

const allHalves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
const formats = [
  { name: 'F16', encode: encodeF16, decode: decodeF16 },
  { name: 'BF16', encode: encodeBF16, decode: decodeBF16 },
] as const;

describe.each(formats)('$name', ({ name, encode, decode }) => {
  const values = decode(allHalves);
  const finite = [...values].filter(Number.isFinite).sort((a, b) => a - b);
  const largest = finite[finite.length - 1];

  it('returns every bit pattern, NaN as NaN', () => {
    const back = encode(values);
    const wrong = [...allHalves].filter((half) => (Number.isNaN(values[half]) ? !Number.isNaN(decode(back)[half]) : back[half] !== half));
    expect(wrong).toEqual([]);
  });

  /** The definition: the nearest of all values. Ties go to the value whose last bit is even. */
  function nearest(value: number): number {
    let low = 0;
    let high = finite.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (finite[middle] <= value) low = middle;
      else high = middle;
    }
    const [below, above] = [finite[low], finite[high]];
    if (value - below !== above - value) return value - below < above - value ? below : above;
    return (encode(Float32Array.of(below))[0] & 1) === 0 ? below : above;
  }

  it('rounds any other value to the nearest, ties to even', () => {
    const bits = fc.integer({ min: 0, max: 0xffffffff }).map((word) => new Float32Array(Uint32Array.of(word).buffer)[0]);
    const tie = fc.integer({ min: 0, max: finite.length - 2 }).map((i) => Math.fround((finite[i] + finite[i + 1]) / 2));
    const inside = fc.oneof(bits, tie).filter((value) => Math.abs(value) <= largest);
    fc.assert(fc.property(inside, (value) => roundToDtype(name, Float32Array.of(value))[0] === nearest(value)), { numRuns: 2000 });
  });

  it('becomes infinity beyond the range', () => {
    const beyond = name === 'F16' ? [65519.99, 65520] : [3.3895313e38, 3.4e38];
    expect([...roundToDtype(name, Float32Array.of(beyond[0], beyond[1], -beyond[1]))]).toEqual([largest, Infinity, -Infinity]);
  });
});
