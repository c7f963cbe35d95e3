import { tf } from '../engine/index.js';
import type { Tensor, Tensor2D, Tensor4D } from '../engine/index.js';
import type { ConfigReader } from './config-reader.js';
import { constant } from './constants.js';

/** Rotary position embedding (Su et al. 2021): of n frequencies, the pair `(i, i + n)` turns by `position * frequencies[i]`. */
export interface Rope {
  headDim: number;
  /** Angles per position, in radians, rounded to float32 as the models were trained with; `headDim / 2`, or fewer where a part does not turn. */
  frequencies: readonly number[];
  /** Names the tables of this rope among those of others. */
  key: string;
}

const ropeTypes = ['default', 'linear', 'llama3'] as const;

/**
 * The rope of a config, by the rules of transformers 5: `rope_scaling` (the older key) wins over `rope_parameters` where a
 * config has both, and an empty object counts as absent. The base is `rope_theta` of that object, else of the config's top
 * level, else 10,000. A `rope_theta` in the object that lost is not read.
 *
 * @param maxPositions what `original_max_position_embeddings` is where the config leaves it out.
 * @throws ModelConfigError if the type is unknown or a parameter of it is missing or out of range.
 */
export function ropeFromConfig(config: ConfigReader, headDim: number, maxPositions: number): Rope {
  const nested = ['rope_scaling', 'rope_parameters'].map((key) => (config.has(key) ? config.object(key) : undefined));
  const parameters = nested.find((object) => object !== undefined && !object.isEmpty);
  const theta = parameters?.has('rope_theta') ? parameters.positiveNumber('rope_theta') : config.positiveNumber('rope_theta', 10_000);
  const plain = Array.from({ length: headDim / 2 }, (_, i) => Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))));
  const frequencies = (parameters === undefined ? plain : scaled(plain, parameters, maxPositions)).map(Math.fround);
  return { headDim, frequencies, key: frequencies.join() };
}

function scaled(plain: readonly number[], parameters: ConfigReader, maxPositions: number): readonly number[] {
  const key = parameters.has('type') && !parameters.has('rope_type') ? 'type' : 'rope_type';
  const type = parameters.choice(key, ropeTypes, parameters.has('rope_theta') ? 'default' : undefined);
  if (type === 'default') return plain;
  const factor = parameters.positiveNumber('factor');
  if (type === 'linear') return plain.map((frequency) => frequency / factor);
  return llama3(plain, factor, parameters, maxPositions);
}

/** Llama 3.1: wavelengths beyond the original context are stretched by `factor`, short ones stay, those between blend. */
function llama3(plain: readonly number[], factor: number, parameters: ConfigReader, maxPositions: number): readonly number[] {
  const low = parameters.positiveNumber('low_freq_factor');
  const high = parameters.positiveNumber('high_freq_factor');
  const context = parameters.positiveInteger('original_max_position_embeddings', maxPositions);
  if (high <= low) throw parameters.wrong('high_freq_factor', `a number above low_freq_factor (${low})`);
  return plain.map((frequency) => {
    const turns = (context * frequency) / (2 * Math.PI);
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (1 - keep) * (frequency / factor) + keep * frequency;
  });
}

/** Cosines and signed sines `[time, headDim]`, so that a rotation is `x * cos + swapHalves(x) * sin`. */
export interface RopeTables {
  cos: Tensor2D;
  sin: Tensor2D;
}

/**
 * The tables of the first `time` positions, times `scale`; owned by the cache of `constants.ts`.
 *
 * @param scale folds a factor of what is rotated (attention's `1 / sqrt(headDim)`) into the rotation, at no cost.
 * @param direction -1 for the transposed rotation, which is the vector-Jacobian product.
 */
export function ropeTables(rope: Rope, time: number, scale: number, direction: 1 | -1): RopeTables {
  const table = (name: 'cos' | 'sin', value: (angle: number, firstHalf: boolean) => number) =>
    constant(`rope ${name} ${rope.key} ${time} ${scale} ${direction}`, () => {
      const values = new Float32Array(time * rope.headDim);
      const half = rope.headDim / 2;
      for (let position = 0; position < time; position++) {
        for (let i = 0; i < rope.headDim; i++) {
          const angle = Math.fround(position * (rope.frequencies[i % half]));
          values[position * rope.headDim + i] = scale * value(angle, i < half);
        }
      }
      return tf.tensor2d(values, [time, rope.headDim]);
    });
  return {
    cos: table('cos', Math.cos),
    sin: table('sin', (angle, firstHalf) => (firstHalf ? -direction : direction) * Math.sin(angle)),
  };
}

/**
 * Rotates x `[batch, heads, time, headDim]` by the tables.
 * @param positions of every token, int32 `[batch, time]`; 0, 1, 2, ... where absent
 */
export function rotate(x: Tensor4D, { cos, sin }: RopeTables, positions?: Tensor2D): Tensor4D {
  const at = (table: Tensor2D): Tensor => (positions === undefined ? table : table.gather(positions).expandDims(1));
  return tf.tidy(() => {
    const [first, second] = tf.split(x, 2, -1) as [Tensor4D, Tensor4D];
    return x.mul<Tensor4D>(at(cos)).add(tf.concat([second, first], -1).mul(at(sin)));
  });
}
