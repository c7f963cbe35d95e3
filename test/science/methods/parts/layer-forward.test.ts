import { beforeAll, describe, expect, it } from 'vitest';
import { disposeConstants } from '../../../../science/models/constants.js';
import { tf } from '../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../science/engine/index.js';
import { linearsOf, modelFromConfig, type LinearSpec } from '../../../../science/models/index.js';
import { layerForward, visitInputs } from '../../../../science/methods/parts/layer-forward.js';
import { openTestEngine } from '../../../helpers/engine.js';

const common = { num_hidden_layers: 1, vocab_size: 32, hidden_act: 'silu', max_position_embeddings: 64, hidden_size: 8, intermediate_size: 12, num_attention_heads: 2, num_key_value_heads: 2 };

describe('visiting the inputs of a layer', () => {
  beforeAll(async () => {
    await openTestEngine();
  });

  it.each([
    ['one sub-block after the other', { model_type: 'llama', rms_norm_eps: 1e-5, ...common }],
    ['experts', { model_type: 'mixtral', rms_norm_eps: 1e-5, num_local_experts: 3, num_experts_per_tok: 2, ...common }],
  ])('gives those of a whole forward, and leaves no tensor behind: %s', async (_, config) => {
    const layer = modelFromConfig(config, 'config.json').decoderLayer(0);
    const weights = new Map(layer.tensors.map(({ name, shape }, index) => [name, tf.randomNormal([...shape], 0, 0.5, 'float32', index + 1)]));
    const hidden = [1, 2].map((seed) => tf.randomNormal<Tensor3D['rankType']>([2, 5, 8], 0, 1, 'float32', seed));
    const visited = (): [[string, number[]][], (linear: LinearSpec, x: Tensor3D) => void] => {
      const inputs: [string, number[]][] = [];
      return [inputs, ({ name }, x) => { inputs.push([name, [...x.dataSync<'float32'>()]]); }];
    };
    const [whole, onWhole] = visited();
    tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: onWhole }));
    expect(whole.length).toBe(2 * linearsOf(layer).length);

    const before = tf.memory().numTensors;
    const [found, onInput] = visited();
    await visitInputs({ layer, hidden, weights, onInput });
    expect(found).toEqual(whole);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([...hidden, ...weights.values()]);
    disposeConstants();
  });
});
