import { expect, it } from 'vitest';
import { PythonRandom } from '../../../files/datasets/python-random.js';

// Computed with CPython 3.11: random.Random(seed), four randint(0, 356316), randint(0, 0), randint(3, 4), randint(0, 2**31), two getrandbits(32).
const drawn: [number, number[], number[]][] = [
  [0, [201979, 220500, 21225, 135746, 0, 4, 1302718217], [4156669319, 2046968324]],
  [1, [70445, 298426, 33086, 133729, 0, 4, 1930549411], [2028277857, 2798570523]],
  [42, [335243, 58369, 13112, 144194, 0, 3, 599310825], [3163119785, 440213415]],
  [4294967295, [333110, 324832, 106535, 112901, 0, 4, 1636881668], [2887748879, 2957395405]],
];

it.each(drawn)('draws the same numbers as Python with seed %i', (seed, integers, words) => {
  const random = new PythonRandom(seed);
  expect([...Array.from({ length: 4 }, () => random.integer(0, 356316)), random.integer(0, 0), random.integer(3, 4), random.integer(0, 2 ** 31)]).toEqual(integers);
  expect([random.word(), random.word()]).toEqual(words);
});

// The 2,001st getrandbits(32), after the state was renewed three times.
it.each([[0, 4065999976], [1, 1767993442], [42, 426724858], [4294967295, 1925551184]])('continues like Python, seed %i', (seed, expected) => {
  const random = new PythonRandom(seed);
  for (let i = 0; i < 2000; i++) random.word();
  expect(random.word()).toBe(expected);
});

it('refuses an empty range, like Python', () => {
  expect(() => new PythonRandom(0).integer(0, -1)).toThrow(RangeError);
});
