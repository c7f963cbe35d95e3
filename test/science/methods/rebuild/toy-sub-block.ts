import { tf } from '../../../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../../../science/engine/index.js';
import type { LinearSpec, SubBlock, Weights } from '../../../../science/models/types.js';

/** `output(tanh(a) * b)` with a and b linear in `x = 2h`; small enough to compute by hand. */
export const hidden = 3;
const inner = 4;
export const linears: LinearSpec[] = [
  { name: 'a', shape: [inner, hidden], bias: 'a.bias' },
  { name: 'b', shape: [inner, hidden] },
  { name: 'out', shape: [hidden, inner], bias: 'out.bias' },
];

export const toy: SubBlock = {
  block: 'mlp',
  inputs: linears.slice(0, 2),
  output: linears[2],
  enter: (h) => h.mul(2),
  core: ([a, b]) => a.tanh().mul(b),
  leave: (h, y) => h.add(y),
};

export type Numbers = Map<string, Float64Array>;

/** Weights that float32 holds exactly. */
export function toyWeights(): Numbers {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >> 16) / 32768;
  };
  const tensors = linears.flatMap(({ name, shape, bias }): [string, number][] => [[name, shape[0] * shape[1]], ...(bias === undefined ? [] : [[bias, shape[0]] as [string, number]])]);
  return new Map(tensors.map(([name, length]) => [name, Float64Array.from({ length }, next)]));
}

export function toTensors(numbers: Numbers): Weights {
  const shapes = new Map(linears.map(({ name, shape }) => [name, [...shape]]));
  return new Map([...numbers].map(([name, values]): [string, Tensor] => [name, tf.tensor(Float32Array.from(values), shapes.get(name) ?? [values.length])]));
}

export function masked(numbers: Numbers, masks: ReadonlyMap<string, Uint8Array>): Numbers {
  return new Map([...numbers].map(([name, values]) => [name, values.map((value, i) => value * (masks.get(name)?.[i] ?? 1))]));
}

/** The sub-block on one token in plain float64, without engine or derivative. */
function forwardToken(h: number[], weights: Numbers): number[] {
  const apply = (x: number[], { name, shape: [outputs, inputs], bias }: LinearSpec): number[] =>
    Array.from({ length: outputs }, (_, row) => {
      let sum = bias === undefined ? 0 : weights.get(bias)![row];
      for (let column = 0; column < inputs; column++) sum += weights.get(name)![row * inputs + column] * x[column];
      return sum;
    });
  const x = h.map((value) => 2 * value);
  const b = apply(x, linears[1]);
  return apply(apply(x, linears[0]).map((value, i) => Math.tanh(value) * b[i]), linears[2]);
}

/** A sequence of tokens, `[time][hidden]`. */
export type Sequence = number[][];

export function forward(sequence: Sequence, weights: Numbers): number[][] {
  return sequence.map((h) => forwardToken(h, weights));
}

/** mean((t - y)^2) of one sequence. */
export function errorOf(t: number[][], y: number[][]): number {
  const squares = t.flatMap((row, time) => row.map((value, i) => (value - y[time][i]) ** 2));
  return squares.reduce((sum, value) => sum + value, 0) / squares.length;
}

export function sequences(count: number, time: number): Sequence[] {
  return Array.from({ length: count }, (_, s) =>
    Array.from({ length: time }, (__, t) => Array.from({ length: hidden }, (___, i) => Math.round(64 * Math.sin(1 + s * 5 + t * 3 + i * 7)) / 64)),
  );
}

export function toBatches(all: Sequence[], size: number): Tensor3D[] {
  const batches: Tensor3D[] = [];
  for (let first = 0; first < all.length; first += size) batches.push(tf.tensor3d(all.slice(first, first + size)));
  return batches;
}
