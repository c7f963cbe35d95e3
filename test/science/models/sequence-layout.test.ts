import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor } from '../../../science/engine/index.js';
import type { EncodedRequest } from '../../../science/evaluation/index.js';
import { disposeConstants, forwardLogits, heldConstants, modelFromConfig, type DecoderModel } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { allTensors } from '../../helpers/load-model.js';
import { scoreRequests } from '../../helpers/score-questions.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

const common = { vocab_size: 50, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4, max_position_embeddings: 160 };
const configs: Record<string, Record<string, unknown>> = {
  llama: { ...common, model_type: 'llama', num_key_value_heads: 2 },
  'mistral with a window of 7': { ...common, model_type: 'mistral', num_key_value_heads: 2, sliding_window: 7 },
  qwen3: { ...common, model_type: 'qwen3', num_key_value_heads: 4, head_dim: 8 },
  'gemma2 with a window of 7': { ...common, model_type: 'gemma2', head_dim: 8, num_key_value_heads: 2, sliding_window: 7, query_pre_attn_scalar: 5, attn_logit_softcapping: 4 },
  opt: { ...common, model_type: 'opt', ffn_dim: 48 },
};

function randomWeights(model: DecoderModel): Map<string, Tensor> {
  return new Map(allTensors(model).map(({ name, shape }, i) => [name, tf.randomNormal([...shape], 0, 0.3, 'float32', i + 1)]));
}

let seed = 1;
const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
const someTokens = (length: number): number[] => Array.from({ length }, () => random(50));

/** A document with one context and several answers. */
function document(context: number, answers: number[]): EncodedRequest[] {
  const shared = someTokens(context);
  return answers.map((length) => {
    const whole = [...shared, ...someTokens(length)];
    return { input: Int32Array.from(whole.slice(0, -1)), targets: Int32Array.from(whole.slice(-length)) };
  });
}
const documents = [document(10, [1, 1]), document(12, [4, 9, 2]), document(70, [30, 3, 60, 17]), document(5, [150]), document(3, [1, 8, 20])];

/** The definition: each request goes through the whole model alone, with nothing shared and no padding. */
function byDefinition(model: DecoderModel, weights: Map<string, Tensor>, { input, targets }: EncodedRequest): number {
  const logits = tf.tidy(() => forwardLogits(model, weights, tf.tensor2d(input, [1, input.length], 'int32')).squeeze([0]).arraySync() as number[][]);
  let sum = 0;
  targets.forEach((target, k) => {
    const row = logits[input.length - targets.length + k];
    const top = Math.max(...row);
    sum += row[target] - top - Math.log(row.reduce((total, x) => total + Math.exp(x - top), 0));
  });
  return sum;
}

describe.each(Object.entries(configs))('%s', (_, config) => {
  it.each([['shared', () => 1], ['apart', (time: number) => 2 ** Math.min(time, 500)], ['by cost', (time: number) => time * (time + 50)]])('contexts %s: computes every answer as if it stood alone', async (__, cost) => {
    const model = modelFromConfig(config, 'config.json');
    const weights = randomWeights(model);
    const before = tf.memory().numTensors - heldConstants();
    const found = await scoreRequests(documents, { model, weights, cost, most: 3 });
    expect(tf.memory().numTensors - heldConstants()).toBe(before);
    documents.forEach((requests, i) => requests.forEach((request, j) => {
      const expected = byDefinition(model, weights, request);
      expect(Math.abs(found[i][j] - expected), `document ${i}, answer ${j}: ${found[i][j]}, expected ${expected}`).toBeLessThan(1e-3 * Math.max(1, Math.abs(expected) / 100));
    }));
    tf.dispose([...weights.values()]);
  });
});
