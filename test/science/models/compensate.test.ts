import { afterAll, beforeAll, expect, it } from 'vitest';
import { tf, type Tensor } from '../../../science/engine/index.js';
import { disposeConstants, modelFromConfig, runSubBlock } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

const shape = { hidden_size: 8, intermediate_size: 12, num_hidden_layers: 1, num_attention_heads: 2, vocab_size: 7 };

/** The width of the stream between the sub-blocks depends on the family. */
it.each([{ model_type: 'granite', residual_multiplier: 0.3 }, { model_type: 'gpt_neox' }, { model_type: 'gpt_neox', use_parallel_residual: false }])('moves one stream to another with the compensating output: %j', (changes) => {
  tf.tidy(() => {
    const layer = modelFromConfig({ ...shape, ...changes }, 'config.json').decoderLayer(0);
    const weights = new Map<string, Tensor>(layer.tensors.map(({ name, shape }, i) => [name, tf.randomNormal([...shape], 0, 0.5, 'float32', i + 1)]));
    let [h, d] = [1, 2].map((seed) => tf.randomNormal([2, 5, 8], 0, 1, 'float32', seed).as3D(2, 5, 8));
    for (const subBlock of layer.subBlocks) {
      const y = runSubBlock(subBlock, subBlock.enter(d, weights), weights);
      const after = subBlock.leave(d, y, weights);
      const reached = subBlock.leave(h, subBlock.compensate?.(y, d, h) ?? y.add(d).sub(h), weights).slice([0, 0, after.shape[2] - 8]);
      expect(reached.sub(after.slice([0, 0, after.shape[2] - 8])).abs().max().dataSync()[0]).toBeLessThan(1e-5);
      h = subBlock.leave(h, runSubBlock(subBlock, subBlock.enter(h, weights), weights), weights);
      d = after;
    }
  });
});
