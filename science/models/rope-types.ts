import type { ConfigReader } from './config-reader.js';
import type { Rope } from './rope.js';

/** What determines the frequencies of a rope. */
export interface RopeBase {
  /** Powers of the base: 1, theta^(2/d), theta^(4/d), ..., rounded to float32. */
  powers: readonly number[];
  theta: number;
  /** Number of rotated dimensions of a head: d. */
  dim: number;
  /** `max_position_embeddings` */
  maxPositions: number;
  /** Positions in training, if no parameter gives them. */
  trained: number;
}

type RopeFrequencies = Pick<Rope, 'frequencies' | 'long'> & Partial<Pick<Rope, 'amplitude'>>;

/** The frequencies of each type of rope. Absent parameters have the defaults of transformers 5. */
export const ropeTypes = {
  default: ({ powers }: RopeBase): RopeFrequencies => ({ frequencies: powers.map(inverse) }),
  // Stretches the rope only for sequences longer than `max_position_embeddings`, which do not occur here.
  dynamic: ({ powers }: RopeBase, parameters: ConfigReader): RopeFrequencies => {
    parameters.positiveNumber('factor');
    return { frequencies: powers.map(inverse) };
  },
  linear: ({ powers }: RopeBase, parameters: ConfigReader): RopeFrequencies => {
    const factor = parameters.positiveNumber('factor');
    return { frequencies: powers.map((power) => inverse(power) / factor) };
  },
  llama3,
  longrope,
  yarn,
} as const satisfies Record<string, (base: RopeBase, parameters: ConfigReader) => RopeFrequencies>;

export type RopeType = keyof typeof ropeTypes;

const inverse = (power: number): number => Math.fround(1 / power);

/** Llama 3.1: long wavelengths are stretched by `factor`, short ones stay, and those in between are blended. */
function llama3({ powers, trained }: RopeBase, parameters: ConfigReader): RopeFrequencies {
  const factor = parameters.positiveNumber('factor');
  const low = parameters.positiveNumber('low_freq_factor');
  const high = parameters.positiveNumber('high_freq_factor');
  const context = parameters.positiveInteger('original_max_position_embeddings', trained);
  if (high <= low) throw parameters.wrong('high_freq_factor', `a number above low_freq_factor (${low})`);
  const frequencies = powers.map(inverse).map((frequency) => {
    const turns = (context * frequency) / (2 * Math.PI);
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (1 - keep) * (frequency / factor) + keep * frequency;
  });
  return { frequencies };
}

/**
 * YaRN (Peng et al. 2023): pairs that rotate more than `beta_fast` times in the original context stay, those that rotate less than
 * `beta_slow` times are stretched by `factor`, and those in between are blended by their index. Rotated vectors get an amplitude.
 */
function yarn({ powers, theta, dim, maxPositions, trained }: RopeBase, parameters: ConfigReader): RopeFrequencies {
  const context = parameters.positiveInteger('original_max_position_embeddings', trained);
  const factor = parameters.isNull('factor') ? maxPositions / context : parameters.positiveNumber('factor');
  const truncate = parameters.boolean('truncate', true);
  const placeOf = (turns: number): number => (dim * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [placeOf(parameters.positiveNumber('beta_fast', 32)), placeOf(parameters.positiveNumber('beta_slow', 1))];
  const first = Math.max(0, truncate ? Math.floor(fast) : fast);
  const last = Math.min(dim - 1, truncate ? Math.ceil(slow) : slow);
  const width = last === first ? 0.001 : last - first;
  const frequencies = powers.map((power, i) => {
    const stretch = Math.min(1, Math.max(0, (i - first) / width));
    return stretch / (factor * power) + (1 - stretch) / power;
  });
  return { frequencies, amplitude: parameters.optionalNumber('attention_factor') ?? yarnAmplitude(factor, parameters) };
}

function yarnAmplitude(factor: number, parameters: ConfigReader): number {
  const growth = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  // They count only if both are given and above zero.
  const [scale, ofAll] = ['mscale', 'mscale_all_dim'].map((key) => (parameters.has(key) ? parameters.nonNegativeNumber(key) : 0));
  return scale > 0 && ofAll > 0 ? growth(scale) / growth(ofAll) : growth(1);
}

/** LongRoPE (Ding et al. 2024): a factor for each pair, with other factors for sequences longer than the original context. */
function longrope({ powers, maxPositions, trained }: RopeBase, parameters: ConfigReader): RopeFrequencies {
  const context = parameters.positiveInteger('original_max_position_embeddings', trained);
  const stretched = (key: string): number[] => {
    const factors = parameters.positiveNumbers(key, powers.length);
    return powers.map((power, i) => 1 / (Math.fround(factors[i]) * power));
  };
  const factor = parameters.has('factor') ? parameters.positiveNumber('factor') : maxPositions / context;
  const amplitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(context));
  return {
    frequencies: stretched('short_factor'),
    long: { beyond: context, frequencies: stretched('long_factor') },
    amplitude: parameters.optionalNumber('attention_factor') ?? amplitude,
  };
}
