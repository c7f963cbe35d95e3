import type { ConfigReader } from './config-reader.js';
import type { Rope } from './rope.js';

const ropeTypes = ['default', 'linear', 'llama3'] as const;

/** What a rope follows from beside its parameters. */
export interface RopeShape {
  headDim: number;
  /** What `original_max_position_embeddings` is where the config leaves it out. */
  maxPositions: number;
}

/**
 * The rope of a config, by the rules of transformers 5: `rope_scaling` (the older key) wins over `rope_parameters` where a
 * config has both, and an empty object counts as absent. The base is `rope_theta` of that object, else of the config's top
 * level, else 10,000. A `rope_theta` in the object that lost is not read.
 *
 * @throws ModelConfigError if the type is unknown or a parameter of it is missing or out of range.
 */
export function ropeFromConfig(config: ConfigReader, shape: RopeShape): Rope {
  // In either object a base wins over that of the top level.
  config.ignore('rope_theta');
  const nested = ['rope_scaling', 'rope_parameters'].map((key) => (config.has(key) ? config.object(key) : undefined));
  const parameters = nested.find((object) => object !== undefined && !object.isEmpty);
  return ropeOf(parameters, () => config.positiveNumber('rope_theta', 10_000), shape);
}

/**
 * The rope of one object of parameters; an absent one means the default type.
 *
 * @param base for parameters without `rope_theta`
 * @throws ModelConfigError
 */
export function ropeOf(parameters: ConfigReader | undefined, base: () => number, { headDim, maxPositions }: RopeShape): Rope {
  const theta = parameters?.has('rope_theta') ? parameters.positiveNumber('rope_theta') : base();
  const plain = Array.from({ length: headDim / 2 }, (_, i) => Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))));
  if (parameters !== undefined) refuseOddKeys(parameters);
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

/** Keys that ropes of some type have. Transformers ignores them with other types. */
const ropeKeys = [
  'rope_type', 'type', 'rope_theta', 'factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor', 'attention_factor',
  'beta_fast', 'beta_slow', 'mscale', 'mscale_all_dim', 'truncate', 'short_factor', 'long_factor', 'finetuned',
];

/** @throws ModelConfigError for a key that no rope here has. */
function refuseOddKeys(parameters: ConfigReader): void {
  parameters.ignore(...ropeKeys);
  for (const [key, value] of parameters.unread()) {
    if (value !== null && !(key === 'partial_rotary_factor' && value === 1)) throw parameters.wrong(key, `one of ${ropeKeys.join(', ')}`);
  }
}
