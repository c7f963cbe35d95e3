import { describe, expect, it } from 'vitest';
import { ConfigReader } from '../../../science/models/config-reader.js';
import { ropeFromConfig } from '../../../science/models/rope-config.js';

const frequencies = (config: Record<string, unknown>, headDim = 8, maxPositions = 2048) =>
  ropeFromConfig(new ConfigReader(config, 'config.json'), { headDim, maxPositions }).frequencies;
const expectClose = (actual: readonly number[], expected: number[]) => {
  actual.forEach((value, i) => expect(value / expected[i]).toBeCloseTo(1, 6));
};

describe('ropeFromConfig', () => {
  it('reads theta where transformers 4 and 5 write it', () => {
    const expected = [1, 0.1, 0.01, 0.001];
    expectClose(frequencies({}), expected);
    expectClose(frequencies({ rope_theta: 10_000, rope_scaling: null }), expected);
    expectClose(frequencies({ rope_parameters: { rope_type: 'default', rope_theta: 10_000 } }), expected);
    expectClose(frequencies({ rope_parameters: { rope_theta: 10_000 } }), expected);
    expectClose(frequencies({ rope_theta: 500, rope_parameters: { rope_type: 'default', rope_theta: 10_000 } }), expected);
    expectClose(frequencies({ rope_theta: 16, rope_scaling: { type: 'default' } }), [1, 1 / 2, 1 / 4, 1 / 8]);
  });

  // As transformers 5.24 does: `convert_rope_params_to_dict` of modeling_rope_utils.py.
  it('prefers the older spelling if a config has both, with its theta from there or from the top level', () => {
    const linear = { type: 'linear', factor: 2 };
    const newer = { rope_type: 'default', rope_theta: 16 };
    expectClose(frequencies({ rope_theta: 10_000, rope_scaling: linear, rope_parameters: newer }), [0.5, 0.05, 0.005, 0.0005]);
    expectClose(frequencies({ rope_scaling: linear, rope_parameters: newer }), [0.5, 0.05, 0.005, 0.0005]);
    expectClose(frequencies({ rope_theta: 7, rope_scaling: { ...linear, rope_theta: 10_000 } }), [0.5, 0.05, 0.005, 0.0005]);
    expectClose(frequencies({ rope_scaling: { ...linear, rope_type: 'default' } }), [1, 0.1, 0.01, 0.001]);
  });

  it('treats an empty object as absent', () => {
    expectClose(frequencies({ rope_scaling: {} }), [1, 0.1, 0.01, 0.001]);
    expectClose(frequencies({ rope_theta: 16, rope_scaling: {}, rope_parameters: {} }), [1, 1 / 2, 1 / 4, 1 / 8]);
    expectClose(frequencies({ rope_scaling: {}, rope_parameters: { rope_theta: 16 } }), [1, 1 / 2, 1 / 4, 1 / 8]);
  });

  it('uses the positions of the model if llama3 scaling has no original context', () => {
    const scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const stated = frequencies({ rope_scaling: { ...scaling, original_max_position_embeddings: 64 } });
    expect(frequencies({ rope_scaling: scaling }, 8, 64)).toEqual(stated);
    expect(frequencies({ rope_scaling: scaling }, 8, 4096)).not.toEqual(stated);
  });

  it('divides every frequency with linear scaling', () => {
    expectClose(frequencies({ rope_scaling: { type: 'linear', factor: 4 } }), [0.25, 0.025, 0.0025, 0.00025]);
  });

  it('keeps high frequencies, stretches low ones and blends between them with llama3 scaling', () => {
    const scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
    // Turns over 64 positions: 10.2, 1.02, 0.10, 0.01. The second is (1.0186 - 1) / 3 of the way from stretched to kept.
    const blend = ((64 * 0.1) / (2 * Math.PI) - 1) / 3;
    const second = (1 - blend) * (0.1 / 8) + blend * 0.1;
    expectClose(frequencies({ rope_scaling: scaling }), [1, second, 0.01 / 8, 0.001 / 8]);
  });
});
