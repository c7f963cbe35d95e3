import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import { disposeConstants, linearsOf, modelFromConfig, runSubBlock, type DecoderLayer } from '../../../science/models/index.js';
import { denseWithGradients } from '../../../science/methods/parts/output-gradients.js';
import { SquaredGradients } from '../../../science/methods/parts/squared-gradients.js';
import { TokenCounts, tokensIn } from '../../../science/methods/parts/routed-tokens.js';
import { InputNorms } from '../../../science/methods/parts/statistics.js';
import { expertWeights, gatherTokens, routedTokens } from '../../../science/models/routing.js';
import { openTestEngine } from '../../helpers/engine.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

const config = { model_type: 'mixtral', hidden_size: 8, intermediate_size: 6, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, vocab_size: 7, num_local_experts: 4, num_experts_per_tok: 2 };
const normal = (shape: [number, number, number], seed: number): Tensor3D => tf.randomNormal(shape, 0, 1, 'float32', seed);

function weightsOf(layer: DecoderLayer): Map<string, Tensor> {
  return new Map(layer.tensors.map(({ name, shape }, i) => [name, tf.randomNormal([...shape], name.includes('norm') ? 1 : 0, 0.6, 'float32', i + 1)]));
}

describe('routing', () => {
  it('is the softmax of the largest logits, normalized or not', () => {
    const logits = fc.array(fc.uniqueArray(fc.integer({ min: -12, max: 12 }).map((n) => n / 3), { minLength: 5, maxLength: 5 }), { minLength: 4, maxLength: 4 });
    fc.assert(fc.property(logits, fc.integer({ min: 1, max: 5 }), fc.boolean(), (rows, chosen, normalized) => {
      const expected = rows.flatMap((row) => {
        const powers = row.map(Math.exp);
        const kept = powers.map((power) => (powers.filter((other) => other > power).length < chosen ? power : 0));
        const total = (normalized ? kept : powers).reduce((sum, power) => sum + power, 0);
        return kept.map((power) => power / total);
      });
      const found = tf.tidy(() => expertWeights(tf.tensor3d(rows.flat(), [2, 2, 5]), { experts: 5, expertsPerToken: chosen, normalized }).dataSync());
      expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
    }), { numRuns: 20, seed: 4 });
  });

  it('gathers the tokens of each sequence, with zeros after them, and no rows for an expert without tokens', () => {
    const weights = tf.tensor3d([0, 0.5, 0.2, 0, 0, 0, 1, 0], [2, 4, 1]);
    const routed = routedTokens(weights);
    expect([routed.maxTokens, [...routed.positions], [...routed.rows]]).toEqual([2, [1, 2, 6], [0, 1, 2]]);
    const all = tf.tensor2d([10, 11, 12, 13, 14, 15, 16, 17], [8, 1]);
    expect([...gatherTokens(all, routed, (rows) => rows).dataSync()]).toEqual([11, 12, 16, 0]);
    const nobody = routedTokens(tf.zeros([2, 4, 1]));
    expect([nobody.maxTokens, nobody.positions.length]).toEqual([1, 0]);
    expect([...gatherTokens(all, nobody, (rows) => rows).dataSync()]).toEqual([0, 0]);
  });
});

describe('an expert', () => {
  const layer = modelFromConfig(config, 'config.json').decoderLayer(0);
  const [attention, ...experts] = layer.subBlocks;

  /** The expert's tokens, found by plain loops over the router's logits. */
  function routedByHand(after: Tensor3D, weights: Map<string, Tensor>, expert: number): number[][] {
    const norm = weights.get('model.layers.0.post_attention_layernorm.weight')!;
    const x = after.div(after.square().mean(-1, true).add(1e-5).sqrt()).mul(norm);
    const gate = weights.get('model.layers.0.block_sparse_moe.gate.weight')!.arraySync() as number[][];
    const tokens = x.reshape([-1, 8]).arraySync() as number[][];
    return tokens.filter((token) => {
      const logits = gate.map((row) => row.reduce((sum, value, i) => sum + value * token[i], 0));
      return logits.filter((logit) => logit > logits[expert]).length < 2;
    });
  }

  it('reads its routed tokens, and has statistics and squared gradients of these tokens alone', () => {
    tf.tidy(() => {
      const weights = weightsOf(layer);
      const h = normal([3, 9, 8], 77);
      let stream = attention.leave(h, runSubBlock(attention, attention.enter(h, weights), weights), weights);
      const after = stream.slice([0, 0, 0], [-1, -1, 8]);
      for (const expert of experts) {
        const x = expert.enter(stream, weights);
        const tokens = routedByHand(after, weights, expert.expert!.index);
        expect(tokensIn(expert, x)).toBe(tokens.length);
        expect(x.shape[1]).toBeLessThan(9);

        const norms = new InputNorms();
        norms.add(expert.inputs[0], x);
        norms.norms(expert.inputs[0].name).forEach((value, i) => { expect(value).toBeCloseTo(Math.hypot(...tokens.map((token) => token[i])), 3); });

        // Gradients are summed within a sequence before they are squared, so one sequence per token would give other squares.
        const pass = denseWithGradients(expert, x, tf.zeros(x.shape), weights);
        const gradients = new SquaredGradients();
        for (const gradient of pass.gradients) gradients.add(gradient);
        const own = expert.output;
        const expected = tf.addN([0, 1, 2].map((sequence) => {
          const core = expert.core(expert.inputs.map((linear) => tf.matMul(x.slice([sequence, 0, 0], [1, -1, -1]).reshape([-1, 8]), weights.get(linear.name) as never, false, true).expandDims(0)), weights).squeeze([0]);
          const y = tf.matMul(core, weights.get(own.name) as never, false, true);
          return tf.matMul(y, core as never, true).square();
        }));
        expect(gradients.get(own)!.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-3 * (expected.max().dataSync()[0] + 1));
        gradients.dispose();
        stream = expert.leave(stream, runSubBlock(expert, x, weights), weights);
      }
      expect(stream.shape).toEqual([3, 9, 8]);
    });
  });

  it('with too few tokens is reported for each linear', () => {
    tf.tidy(() => {
      const counts = new TokenCounts(3);
      const padded = (rows: number): Tensor3D => tf.concat([tf.ones([1, rows, 8]), tf.zeros([1, 4 - rows, 8])], 1);
      counts.add(attention, tf.ones([1, 1, 8]));
      counts.add(experts[0], padded(2));
      counts.add(experts[1], padded(2));
      counts.add(experts[1], padded(1));
      expect([...counts.few()]).toEqual(linearsOf(experts[0]).map(({ name }) => [name, 2]));
    });
  });
});

describe('configs of mixtures', () => {
  it.each([
    [{ num_experts_per_tok: 5 }, 'num_experts_per_tok is 5; expected at most the number of experts (4)'],
    [{ num_local_experts: 0 }, 'num_local_experts is 0; expected an integer above zero'],
    [{ model_type: 'qwen3_moe', mlp_only_layers: [1] }, 'mlp_only_layers is [1]; expected a list of layers below num_hidden_layers (1)'],
    [{ model_type: 'qwen3_moe', mlp_only_layers: 0 }, 'mlp_only_layers is 0; expected a list of integers, zero or above'],
    [{ model_type: 'qwen3_moe', decoder_sparse_step: 0 }, 'decoder_sparse_step is 0; expected an integer above zero'],
    [{ model_type: 'qwen2_moe', shared_expert_intermediate_size: -1 }, 'shared_expert_intermediate_size is -1; expected an integer above zero'],
    [{ model_type: 'olmoe', clip_qkv: -1 }, 'clip_qkv is -1; expected a number above zero'],
    [{ num_shared_experts: 2 }, 'num_shared_experts is 2; expected no such key, because this family does not know it'],
  ])('refuses %j', (changes, message) => {
    expect(() => modelFromConfig({ ...config, ...changes }, 'config.json')).toThrow(`config.json: ${message}`);
  });

  it('determine which layers have experts, and do not prune router, norms and gates', () => {
    const model = modelFromConfig({ ...config, model_type: 'qwen2_moe', num_hidden_layers: 4, decoder_sparse_step: 2, mlp_only_layers: [3] }, 'config.json');
    expect([0, 1, 2, 3].map((index) => model.decoderLayer(index).subBlocks.map(({ block }) => block).join())).toEqual([
      'attention,mlp', 'attention,expert,expert,expert,expert,shared expert', 'attention,mlp', 'attention,mlp',
    ]);
    const linears = linearsOf(model.decoderLayer(1)).map(({ name }) => name);
    const others = model.decoderLayer(1).tensors.map(({ name }) => name).filter((name) => !linears.includes(name) && !name.endsWith('bias'));
    expect(others.map((name) => name.replace('model.layers.1.', ''))).toEqual([
      'input_layernorm.weight', 'post_attention_layernorm.weight', 'mlp.gate.weight', 'mlp.shared_expert_gate.weight',
    ]);
  });
});
