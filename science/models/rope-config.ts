import type { ConfigReader } from './config-reader.js';
import type { Rope } from './rope.js';
import { ropeTypes } from './rope-types.js';
import type { RopeType } from './rope-types.js';

/** What determines a rope besides its parameters. */
export interface RopeShape {
  headDim: number;
  maxPositions: number;
  /** Default of `original_max_position_embeddings`; if absent, `maxPositions`. */
  trainedPositions?: number;
  /** The share of a head's dimensions that are rotated; default 1. */
  partial?: number;
  /** Base if the config has none; default 10,000. */
  theta?: number;
  /** The types that the family supports; by default, all. */
  types?: readonly RopeType[];
  /** Other names for types in the family's configs. */
  otherNames?: Readonly<Record<string, RopeType>>;
}

/**
 * Reads the rope of a config, by the rules of transformers 5: `rope_scaling` (the older key) has priority over `rope_parameters`
 * if a config has both, and an empty object counts as absent. The base is `rope_theta` of that object, else of the config's top
 * level, else the default of the family. A `rope_theta` in the other object is not read.
 *
 * @throws ModelConfigError if the type is unknown or a parameter of it is missing or out of range.
 */
export function ropeFromConfig(config: ConfigReader, shape: RopeShape): Rope {
  // A base in the object below has priority over the top level.
  config.ignore('rope_theta');
  return ropeOf(ropeParameters(config), () => config.positiveNumber('rope_theta', shape.theta ?? 10_000), shape);
}

/** Returns the object of a config with the parameters of the rope, if there is one. */
export function ropeParameters(config: ConfigReader): ConfigReader | undefined {
  const nested = ['rope_scaling', 'rope_parameters'].map((key) => (config.has(key) ? config.object(key) : undefined));
  return nested.find((object) => object !== undefined && !object.isEmpty);
}

/** Reads the share of a head that is rotated, from the rope's parameters or the top level. @throws ModelConfigError */
export function partialOf(config: ConfigReader, topLevel: string, fallback: number): number {
  const parameters = ropeParameters(config);
  const [reader, key] = parameters?.has('partial_rotary_factor') ? [parameters, 'partial_rotary_factor'] : [config, topLevel];
  config.ignore(topLevel);
  const partial = reader.positiveNumber(key, fallback);
  if (partial > 1) throw reader.wrong(key, 'a number above zero, at most 1');
  return partial;
}

/**
 * Makes the rope from its parameters. Without parameters, it has the default type.
 *
 * @param base reads the base if the parameters have no `rope_theta`
 * @throws ModelConfigError
 */
export function ropeOf(parameters: ConfigReader | undefined, base: () => number, shape: RopeShape): Rope {
  const { headDim, maxPositions, trainedPositions: trained = maxPositions, partial = 1, types = Object.keys(ropeTypes) as RopeType[], otherNames = {} } = shape;
  const theta = parameters?.has('rope_theta') ? parameters.positiveNumber('rope_theta') : base();
  const dim = Math.floor(headDim * partial);
  const powers = Array.from({ length: Math.ceil(dim / 2) }, (_, i) => Math.fround(theta ** Math.fround((2 * i) / dim)));
  if (shape.partial !== undefined) parameters?.ignore('partial_rotary_factor');
  if (parameters !== undefined) refuseOddKeys(parameters);
  const from = { powers, theta, dim, maxPositions, trained };
  const computed = parameters === undefined ? ropeTypes.default(from) : ropeTypes[typeOf(parameters, types, otherNames)](from, parameters);
  const { amplitude = 1, long } = computed;
  const frequencies = computed.frequencies.map(Math.fround);
  const key = [headDim, amplitude, ...frequencies, ...(long === undefined ? [] : [long.beyond, ...long.frequencies])].join();
  return { headDim, frequencies, amplitude, ...(long && { long: { ...long, frequencies: long.frequencies.map(Math.fround) } }), key };
}

function typeOf(parameters: ConfigReader, types: readonly RopeType[], otherNames: Readonly<Record<string, RopeType>>): RopeType {
  const key = parameters.has('type') && !parameters.has('rope_type') ? 'type' : 'rope_type';
  const name = parameters.choice(key, [...types, ...Object.keys(otherNames)], parameters.has('rope_theta') ? 'default' : undefined);
  return otherNames[name] ?? (name as RopeType);
}

/** Keys of all rope types. Transformers ignores those of other types. */
const ropeKeys = [
  'rope_type', 'type', 'rope_theta', 'factor', 'original_max_position_embeddings', 'low_freq_factor', 'high_freq_factor', 'attention_factor',
  'beta_fast', 'beta_slow', 'mscale', 'mscale_all_dim', 'truncate', 'short_factor', 'long_factor', 'finetuned',
];

/** @throws ModelConfigError for a key that belongs to no rope type. */
function refuseOddKeys(parameters: ConfigReader): void {
  parameters.ignore(...ropeKeys);
  for (const [key, value] of parameters.unread()) {
    if (value !== null && !(key === 'partial_rotary_factor' && value === 1)) throw parameters.wrong(key, `one of ${ropeKeys.join(', ')}`);
  }
}
